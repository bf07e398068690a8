#include <charconv>

#include "agent/engine/engine.h"
#include "common/error.h"

namespace hivemind::agent {

namespace {

bool read_number(std::string_view text, int& number) {
  if (text.empty() || text.size() > 4 || text.front() == '-') return false;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string ApiVersion::text() const {
  return fmt::format("{}.{}", major, minor);
}

ApiVersion ApiVersion::parse(std::string_view text) {
  ApiVersion version;
  const auto dot = text.find('.');
  const bool is_version = dot != std::string_view::npos && read_number(text.substr(0, dot), version.major) &&
                          read_number(text.substr(dot + 1), version.minor);
  if (!is_version) {
    throw Error(ErrorCode::kCorrupt, "'{}' is no version of the Engine API (expected one such as '1.41')",
                text.substr(0, 40));
  }
  return version;
}

}  // namespace hivemind::agent

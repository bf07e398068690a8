#include "hub/desired/compose/scalars/time_zone.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <system_error>

#include "common/error.h"
#include "common/file.h"

namespace hivemind::hub::compose {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxBytes = 64 * 1024;  // the largest has 4 KiB

// "America/Argentina/Buenos_Aires": no dot, so it cannot lead elsewhere.
bool is_zone_name(std::string_view name) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '+' || c == '/';
  };
  return !name.empty() && name.size() <= 64 && std::isalpha(static_cast<unsigned char>(name.front())) != 0 &&
         !name.ends_with('/') && name.find("//") == std::string_view::npos &&
         std::ranges::all_of(name, allowed);
}

bool is_rule(std::string_view text) {
  return !text.empty() && text.size() <= 100 &&
         std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

// RFC 8536, 3.3: from version 2 on, the file ends in a rule between two line feeds.
std::string footer(const std::string& content, const std::string& name) {
  const bool whole =
      content.size() > 5 && content.starts_with("TZif") && content[4] >= '2' && content.back() == '\n';
  const std::string_view before = whole ? std::string_view(content).substr(0, content.size() - 1) : "";
  const std::size_t begin = before.rfind('\n');
  const std::string_view rule = begin == std::string_view::npos ? "" : before.substr(begin + 1);
  if (!is_rule(rule)) throw Error(ErrorCode::kCorrupt, "zone '{}' has no rule for the years to come", name);
  return std::string(rule);
}

}  // namespace

std::string zone_rule(const std::string& name, const fs::path& zones) {
  if (name == "UTC") return "UTC0";
  // 'localtime' is whatever zone the machine is in.
  if (!is_zone_name(name) || name == "localtime")
    throw Error(ErrorCode::kInvalid, "'{}' is no time zone", name);
  const fs::path file = zones / name;
  std::error_code error;
  if (!fs::is_directory(zones, error))
    throw Error(ErrorCode::kUnavailable, "zone '{}' is not known: there is no '{}'", name, zones.string());
  if (!fs::is_regular_file(file, error) || fs::file_size(file, error) > kMaxBytes)
    throw Error(ErrorCode::kNotFound, "'{}' is no time zone that is known", name);
  return footer(read_file(file), name);
}

}  // namespace hivemind::hub::compose

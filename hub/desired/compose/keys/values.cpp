#include "hub/desired/compose/keys/values.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "hub/desired/compose/scalars/byte_size.h"

namespace hivemind::hub::compose {

std::optional<std::int64_t> read_bytes(const yaml::Node& node, Reader& reader, Unlimited unlimited) {
  const auto text = reader.text(node, Allowed::kNumbers);
  if (!text) return std::nullopt;
  if (unlimited == Unlimited::kYes && *text == "-1") return -1;
  const auto bytes = parse_byte_size(*text);
  if (!bytes) reader.invalid(node, "a size such as '512m' or '1.5g'");
  return bytes;
}

std::optional<std::int64_t> read_nano_cpus(const yaml::Node& node, Reader& reader) {
  const auto cpus = reader.number(node);
  if (!cpus) return std::nullopt;
  if (!(*cpus >= 0 && *cpus < 1e6)) {
    reader.invalid(node, "a number of processors such as '0.5'");
    return std::nullopt;
  }
  return std::llround(*cpus * 1e9);
}

// In a string digits are octal. A number is what YAML makes of it: 0440 is octal, 440 is not.
std::optional<std::uint32_t> read_mode(const yaml::Node& node, Reader& reader) {
  constexpr std::int64_t kAll = 07777;
  std::optional<std::int64_t> mode;
  if (node.is_scalar() && node.type() == yaml::Type::kString) {
    std::int64_t value = 0;
    const std::string_view text = node.scalar;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
    if (error == std::errc{} && end == text.data() + text.size()) mode = value;
  } else if (node.type() == yaml::Type::kInteger) {
    mode = node.as_integer();
    if (mode && !node.scalar.starts_with('0') && node.scalar.find_first_of("89") == std::string::npos) {
      reader.warning(
          node.location, "compose.decimal-mode",
          fmt::format("'{}' is the decimal number '{}', the mode 0{:o}", reader.path(), node.scalar, *mode),
          fmt::format("modes are octal: write '0{}'", node.scalar));
    }
  } else {
    reader.wrong_type(node, "an octal mode such as 0644");
    return std::nullopt;
  }
  if (!mode || *mode < 0 || *mode > kAll) {
    reader.invalid(node, "an octal mode of at most 07777 such as 0644");
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(*mode);
}

}  // namespace hivemind::hub::compose

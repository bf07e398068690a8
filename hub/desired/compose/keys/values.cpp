#include "hub/desired/compose/keys/values.h"

#include <cmath>

#include "hub/desired/compose/scalars/byte_size.h"

namespace hivemind::hub::compose {

std::optional<std::int64_t> read_bytes(const yaml::Node& node, Reader& reader, Unlimited unlimited) {
  const auto text = reader.text(node);
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

std::optional<std::uint32_t> read_mode(const yaml::Node& node, Reader& reader) {
  const auto text = reader.text(node);
  if (!text) return std::nullopt;
  std::string_view digits = *text;
  if (digits.starts_with("0o")) digits.remove_prefix(2);
  const bool octal =
      !digits.empty() && digits.size() <= 5 && digits.find_first_not_of("01234567") == std::string_view::npos;
  if (!octal) {
    reader.invalid(node, "an octal mode such as '0644'");
    return std::nullopt;
  }
  std::uint32_t mode = 0;
  for (const char c : digits) mode = mode * 8 + static_cast<std::uint32_t>(c - '0');
  return mode;
}

}  // namespace hivemind::hub::compose

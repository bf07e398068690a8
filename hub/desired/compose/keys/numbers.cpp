#include "hub/desired/compose/keys/numbers.h"

#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "hub/desired/compose/scalars/byte_size.h"
#include "hub/desired/compose/scalars/duration.h"

namespace hivemind::hub::compose {
namespace {

constexpr double kLargestInteger = 9.2e18;
constexpr double kLargestExact = 1e15;  // below it a float that is whole is printed without an exponent

// "1.5", "250": the amount in units, without zeros at the end.
std::string in_units(std::int64_t amount, std::int64_t unit) {
  std::string text = fmt::format("{}", amount / unit);
  std::string digits = fmt::format("{}", unit + amount % unit).substr(1);
  while (!digits.empty() && digits.back() == '0') digits.pop_back();
  return digits.empty() ? text : text + "." + digits;
}

std::string short_duration(std::int64_t count) {
  if (count < 1'000) return fmt::format("{}ns", count);
  if (count < 1'000'000) return in_units(count, 1'000) + "µs";
  return in_units(count, 1'000'000) + "ms";
}

}  // namespace

std::optional<std::int64_t> read_cut_integer(const yaml::Node& node, Reader& reader) {
  const auto value = node.type() == yaml::Type::kFloat ? node.as_float() : std::nullopt;
  if (!value) return reader.integer(node);
  if (!(std::abs(*value) < kLargestInteger)) {
    reader.invalid(node, "an integer");
    return std::nullopt;
  }
  const double whole = std::trunc(*value);
  if (whole != *value) {
    reader.warning(node.location, "compose.fraction",
                   fmt::format("'{}' is {}, read as {}", reader.path(), node.scalar, whole),
                   "write an integer");
  }
  return static_cast<std::int64_t>(whole);
}

std::optional<std::int64_t> read_count(const yaml::Node& node, Reader& reader) {
  const auto value = read_cut_integer(node, reader);
  if (!value || *value >= 0) return value;
  reader.invalid(node, "a number of at least 0");
  return std::nullopt;
}

std::optional<float> read_cpus(const yaml::Node& node, Reader& reader) {
  const auto cpus = reader.number(node);
  if (!cpus) return std::nullopt;
  if (!(*cpus >= 0 && *cpus < 1e6)) reader.refused_by_engine(node, "a number of processors such as '0.5'");
  return static_cast<float>(*cpus);
}

std::int64_t nano_cpus(float cpus) {
  return static_cast<std::int64_t>(cpus * 1e9F);
}

std::optional<float> read_ratio(const yaml::Node& node, Reader& reader) {
  const auto value = reader.number(node);
  return value ? std::optional(static_cast<float>(*value)) : std::nullopt;
}

std::optional<std::int64_t> read_size_text(const yaml::Node& node, Reader& reader) {
  const auto text = reader.text(node);
  if (!text) return std::nullopt;
  const auto bytes = parse_byte_size(*text);
  if (!bytes) reader.invalid(node, "a size such as '512m' or '1.5g'");
  return bytes;
}

std::optional<std::chrono::nanoseconds> read_duration(const yaml::Node& node, Reader& reader) {
  if (node.type() == yaml::Type::kInteger) {
    reader.invalid(node, "a duration such as '1m30s'", "add a unit, such as 's'");
    return std::nullopt;
  }
  const auto text = reader.text(node);
  if (!text) return std::nullopt;
  const auto duration = parse_duration(*text);
  if (!duration) {
    const bool unit = !text->empty() && text->find_first_not_of("0123456789.") == std::string::npos;
    reader.invalid(node, "a duration such as '1m30s'", unit ? "add a unit, such as 's'" : "");
  }
  return duration;
}

std::string duration_text(std::chrono::nanoseconds duration) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  std::int64_t count = duration.count();
  if (count == 0) return "0s";
  const std::string sign = count < 0 ? "-" : "";
  count = std::abs(count);
  if (count < kSecond) return sign + short_duration(count);
  const std::int64_t minutes = count / (60 * kSecond);
  const std::string seconds = in_units(count % (60 * kSecond), kSecond) + "s";
  if (minutes == 0) return sign + seconds;
  if (minutes < 60) return fmt::format("{}{}m{}", sign, minutes, seconds);
  return fmt::format("{}{}h{}m{}", sign, minutes / 60, minutes % 60, seconds);
}

nlohmann::json float_json(float value) {
  const double shortest = std::strtod(fmt::format("{}", value).c_str(), nullptr);
  if (shortest == std::trunc(shortest) && std::abs(shortest) < kLargestExact) {
    return static_cast<std::int64_t>(shortest);
  }
  return shortest;
}

nlohmann::json size_json(std::int64_t bytes) {
  return std::to_string(bytes);
}

}  // namespace hivemind::hub::compose

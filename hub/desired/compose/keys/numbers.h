#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "hub/desired/compose/reader.h"

// Numbers, sizes and durations as the reference reads and prints them.
namespace hivemind::hub::compose {

// An integer. Where the schema says "number" a fraction is cut off, as by the reference, with a warning.
std::optional<std::int64_t> read_cut_integer(const yaml::Node& node, Reader& reader);

// An integer of at least zero.
std::optional<std::int64_t> read_count(const yaml::Node& node, Reader& reader);

// Processors, such as 0.5. Single precision, so that the billionths which the engine counts are the
// reference's.
std::optional<float> read_cpus(const yaml::Node& node, Reader& reader);
std::int64_t nano_cpus(float cpus);

std::optional<float> read_ratio(const yaml::Node& node, Reader& reader);

// A size that must be written as a string, such as "512m".
std::optional<std::int64_t> read_size_text(const yaml::Node& node, Reader& reader);

// A duration, such as "1m30s".
std::optional<std::chrono::nanoseconds> read_duration(const yaml::Node& node, Reader& reader);

// "1m30s", "1.5s", "250ms", "24h0m0s".
std::string duration_text(std::chrono::nanoseconds duration);

// The shortest decimal that is this float; an integer where it is one.
nlohmann::json float_json(float value);

// A size is printed as a string of digits.
nlohmann::json size_json(std::int64_t bytes);

}  // namespace hivemind::hub::compose

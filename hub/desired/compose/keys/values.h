#pragma once

#include "hub/desired/compose/reader.h"

// Kinds of values that keys of several families have.
namespace hivemind::hub::compose {

// Bytes, or text such as "512m"; -1 where allowed means unlimited.
enum class Unlimited { kNo, kYes };
std::optional<std::int64_t> read_bytes(const yaml::Node& node, Reader& reader,
                                       Unlimited unlimited = Unlimited::kNo);

// "0.5" processors as billionths of one.
std::optional<std::int64_t> read_nano_cpus(const yaml::Node& node, Reader& reader);

// A file mode of at most 07777.
std::optional<std::uint32_t> read_mode(const yaml::Node& node, Reader& reader);

}  // namespace hivemind::hub::compose

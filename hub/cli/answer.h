#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

// Reading the hub's answers. A hub of another version may leave a member out or give it another type: then it
// reads as empty, zero or false, and the rest is still shown.
namespace hivemind::hub::cli {

using Json = nlohmann::ordered_json;  // members print in the order in which the hub wrote them

std::string text_of(const Json& object, std::string_view key);
std::int64_t count_of(const Json& object, std::string_view key);
bool flag_of(const Json& object, std::string_view key);
const Json& part_of(const Json& object, std::string_view key);  // an object, empty when there is none
const Json& list_of(const Json& object, std::string_view key);  // an array, empty when there is none

// Indented, with a line break at the end; bytes that are no UTF-8 are replaced.
std::string pretty(const Json& value);

// On one line, likewise.
std::string compact(const Json& value);

}  // namespace hivemind::hub::cli

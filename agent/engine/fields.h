#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace hivemind::agent {

// Reading of JSON that others wrote, for the .cpp files of this folder. All throw kCorrupt for a value of
// another type than asked for, naming the key; absent and null are the same.
using Json = nlohmann::json;

// Throws kCorrupt for what is no JSON or is nested deeper than any answer of an engine.
Json parse_json(std::string_view text);

const Json& part_of(const Json& object, const char* key);  // an object; absent: an empty one
const Json& list_of(const Json& object, const char* key);  // an array; absent: an empty one
std::string text_of(const Json& object, const char* key);
std::int64_t integer_of(const Json& object, const char* key);
bool flag_of(const Json& object, const char* key);
std::map<std::string, std::string> texts_of(const Json& object, const char* key);

// At most so many bytes, cut between two characters of UTF-8.
std::string cut(std::string_view text, std::size_t max_bytes);

}  // namespace hivemind::agent

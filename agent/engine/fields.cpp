#include "agent/engine/fields.h"

#include "common/error.h"

namespace hivemind::agent {

namespace {

constexpr int kMaxDepth = 100;

// The parser keeps its stack on the heap, some ten times the text: a body of opening brackets must not reach
// it.
bool is_shallow(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) return false;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return true;
}

// Null when absent.
const Json& member(const Json& object, const char* key) {
  static const Json kNull;
  if (!object.is_object()) {
    throw Error(ErrorCode::kCorrupt, "the engine's answer has a {} where '{}' belongs in an object",
                object.type_name(), key);
  }
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

[[noreturn]] void reject(const char* key, const Json& value, const char* expected) {
  throw Error(ErrorCode::kCorrupt, "the engine's answer has a {} for '{}', not {}", value.type_name(), key,
              expected);
}

}  // namespace

Json parse_json(std::string_view text) {
  if (!is_shallow(text))
    throw Error(ErrorCode::kCorrupt, "the engine's answer is nested deeper than {}", kMaxDepth);
  Json parsed = Json::parse(text.begin(), text.end(), nullptr, false);
  if (parsed.is_discarded()) {
    throw Error(ErrorCode::kCorrupt, "the engine's answer is not JSON ({} bytes)", text.size());
  }
  return parsed;
}

const Json& part_of(const Json& object, const char* key) {
  static const Json kEmpty = Json::object();
  const Json& value = member(object, key);
  if (value.is_null()) return kEmpty;
  if (!value.is_object()) reject(key, value, "an object");
  return value;
}

const Json& list_of(const Json& object, const char* key) {
  static const Json kEmpty = Json::array();
  const Json& value = member(object, key);
  if (value.is_null()) return kEmpty;
  if (!value.is_array()) reject(key, value, "a list");
  return value;
}

std::string text_of(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (value.is_null()) return {};
  if (!value.is_string()) reject(key, value, "a text");
  return value.get<std::string>();
}

std::int64_t integer_of(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (value.is_null()) return 0;
  if (!value.is_number_integer()) reject(key, value, "a whole number");
  return value.get<std::int64_t>();
}

bool flag_of(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (value.is_null()) return false;
  if (!value.is_boolean()) reject(key, value, "true or false");
  return value.get<bool>();
}

std::map<std::string, std::string> texts_of(const Json& object, const char* key) {
  std::map<std::string, std::string> texts;
  for (const auto& [name, value] : part_of(object, key).items()) {
    if (!value.is_string()) reject(name.c_str(), value, "a text");
    texts.emplace(name, value.get<std::string>());
  }
  return texts;
}

std::string cut(std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes) {
    while (max_bytes > 0 && (static_cast<unsigned char>(text[max_bytes]) & 0xC0) == 0x80) --max_bytes;
    text = text.substr(0, max_bytes);
  }
  return std::string(text);
}

}  // namespace hivemind::agent

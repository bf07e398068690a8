#include "hub/cli/answer.h"

namespace hivemind::hub::cli {
namespace {

const Json* member(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

std::string text_of(const Json& object, std::string_view key) {
  const Json* found = member(object, key);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t count_of(const Json& object, std::string_view key) {
  const Json* found = member(object, key);
  return found != nullptr && found->is_number() ? found->get<std::int64_t>() : 0;
}

bool flag_of(const Json& object, std::string_view key) {
  const Json* found = member(object, key);
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

const Json& part_of(const Json& object, std::string_view key) {
  static const Json kNone = Json::object();
  const Json* found = member(object, key);
  return found != nullptr && found->is_object() ? *found : kNone;
}

const Json& list_of(const Json& object, std::string_view key) {
  static const Json kNone = Json::array();
  const Json* found = member(object, key);
  return found != nullptr && found->is_array() ? *found : kNone;
}

std::string pretty(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string compact(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace hivemind::hub::cli

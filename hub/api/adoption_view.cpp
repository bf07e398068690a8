#include "hub/api/adoption_view.h"

#include "common/error.h"
#include "common/ids.h"
#include "hub/api/message.h"

namespace hivemind::hub::api {
namespace {

using nlohmann::json;

std::string text_member(const json& body, const char* key) {
  const auto found = body.find(key);
  if (found == body.end()) return {};
  if (!found->is_string()) throw Error(ErrorCode::kInvalid, "'{}' is no text", key);
  return found->get<std::string>();
}

const char* name_of(v1::AdoptionItem::Kind kind) {
  switch (kind) {
    case v1::AdoptionItem::CONTAINER:
      return "container";
    case v1::AdoptionItem::NETWORK:
      return "network";
    case v1::AdoptionItem::VOLUME:
      return "volume";
    default:
      return "unknown";
  }
}

const char* name_of(v1::AdoptionItem::Verdict verdict) {
  switch (verdict) {
    case v1::AdoptionItem::EQUAL:
      return "equal";
    case v1::AdoptionItem::DIFFERS:
      return "differs";
    case v1::AdoptionItem::MISSING:
      return "missing";
    case v1::AdoptionItem::EXTRA:
      return "extra";
    case v1::AdoptionItem::SURPLUS:
      return "surplus";
    default:
      return "unknown";
  }
}

json item_view(const v1::AdoptionItem& item) {
  json differences = json::array();
  for (const v1::FieldDifference& one : item.differences())
    differences.push_back({{"field", one.field()}, {"now", one.now()}, {"then", one.then()}});
  return {{"kind", name_of(item.kind())}, {"verdict", name_of(item.verdict())},
          {"service", item.service()},    {"name", item.name()},
          {"text", item.text()},          {"differences", std::move(differences)}};
}

const char* state_of(const v1::CommandReply& reply) {
  if (reply.outcome() == v1::CommandReply::CONFLICT) return "changed";
  return reply.adoption().adopted() ? "adopted" : "shown";
}

}  // namespace

v1::Command adopt_command(const std::string& text) {
  const json body = body_object(text);
  for (const auto& [key, value] : body.items()) {
    if (key != "stack" && key != "confirm")
      throw Error(ErrorCode::kInvalid, "the body may hold 'stack' and 'confirm', found '{}'", key);
  }
  v1::Command command;
  command.mutable_adopt()->set_stack(text_member(body, "stack"));
  command.mutable_adopt()->set_confirm(text_member(body, "confirm"));
  if (!is_stack_name(command.adopt().stack()))
    throw Error(ErrorCode::kInvalid, "'stack' is '{}', which is no stack's name", command.adopt().stack());
  return command;
}

json adoption_view(const v1::CommandReply& reply) {
  if (!reply.has_adoption()) {
    const bool failed = reply.outcome() == v1::CommandReply::FAILED;
    throw Error(failed ? ErrorCode::kUnavailable : ErrorCode::kConflict, "node '{}': {}", reply.node(),
                reply.text());
  }
  json items = json::array();
  for (const v1::AdoptionItem& item : reply.adoption().items()) items.push_back(item_view(item));
  return {{"node", reply.node()}, {"stack", reply.adoption().stack()},    {"state", state_of(reply)},
          {"text", reply.text()}, {"confirm", reply.adoption().digest()}, {"items", std::move(items)}};
}

}  // namespace hivemind::hub::api

#include "hub/api/command_views.h"

#include <initializer_list>
#include <string_view>

#include "common/error.h"
#include "common/ids.h"
#include "hub/api/message.h"

namespace hivemind::hub::api {
namespace {

using nlohmann::json;

enum class Named { kMaybe, kAlways };

// An object of texts with these members at most. No body is an empty one.
json texts_of(const std::string& text, std::initializer_list<std::string_view> allowed) {
  json body = body_object(text);
  for (const auto& [key, value] : body.items()) {
    bool is_known = false;
    for (const std::string_view each : allowed) is_known = is_known || each == key;
    if (!is_known)
      throw Error(ErrorCode::kInvalid, "the body may hold '{}', found '{}'", fmt::join(allowed, "', '"), key);
    if (!value.is_string()) throw Error(ErrorCode::kInvalid, "'{}' is no text", key);
  }
  return body;
}

std::string stack_in(const json& body, Named named) {
  const std::string stack = body.value("stack", "");
  if (stack.empty() && named == Named::kMaybe) return stack;
  if (!is_stack_name(stack))
    throw Error(ErrorCode::kInvalid, "'stack' is '{}', which is no stack's name", stack);
  return stack;
}

[[noreturn]] void throw_refusal(const v1::CommandReply& reply) {
  const bool failed = reply.outcome() == v1::CommandReply::FAILED;
  throw Error(failed ? ErrorCode::kUnavailable : ErrorCode::kConflict, "node '{}': {}", reply.node(),
              reply.text());
}

const char* state_of(const v1::CommandReply& reply) {
  if (reply.purged().removed()) return "purged";
  return reply.outcome() == v1::CommandReply::CONFLICT ? "changed" : "shown";
}

}  // namespace

v1::Command retry_command(const std::string& body) {
  v1::Command command;
  command.mutable_retry()->set_stack(stack_in(texts_of(body, {"stack"}), Named::kMaybe));
  return command;
}

v1::Command apply_command(const std::string& body) {
  v1::Command command;
  command.mutable_apply_now()->set_stack(stack_in(texts_of(body, {"stack"}), Named::kMaybe));
  return command;
}

v1::Command purge_command(const std::string& text) {
  const json body = texts_of(text, {"stack", "confirm"});
  v1::Command command;
  command.mutable_purge()->set_stack(stack_in(body, Named::kAlways));
  command.mutable_purge()->set_confirm(body.value("confirm", ""));
  return command;
}

json done_view(const v1::CommandReply& reply, const std::string& stack) {
  if (reply.outcome() != v1::CommandReply::DONE) throw_refusal(reply);
  return {{"node", reply.node()}, {"stack", stack}, {"text", reply.text()}};
}

json purge_view(const v1::CommandReply& reply) {
  if (!reply.has_purged()) throw_refusal(reply);
  const v1::Purged& purged = reply.purged();
  json volumes = json::array();
  json directories = json::array();
  for (const std::string& volume : purged.volumes()) volumes.push_back(volume);
  for (const std::string& directory : purged.directories()) directories.push_back(directory);
  return {{"node", reply.node()},
          {"stack", purged.stack()},
          {"state", state_of(reply)},
          {"text", reply.text()},
          {"confirm", purged.digest()},
          {"volumes", std::move(volumes)},
          {"directories", std::move(directories)},
          {"bytes", purged.bytes()}};
}

}  // namespace hivemind::hub::api

#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/scalars/shell_words.h"

namespace hivemind::hub::compose {
namespace {

void read_command(const yaml::Node& node, Hook& hook, Reader& reader) {
  if (node.is_sequence()) {
    hook.command = values(reader.texts(node));
  } else if (const auto text = reader.text(node)) {
    hook.command = split_shell_words(*text);
    if (!hook.command) reader.invalid(node, "a command with every quote closed");
  }
}
void read_user(const yaml::Node& node, Hook& hook, Reader& reader) {
  hook.user = reader.text(node).value_or("");
}
void read_privileged(const yaml::Node& node, Hook& hook, Reader& reader) {
  hook.privileged = reader.boolean(node).value_or(false);
}
void read_working_dir(const yaml::Node& node, Hook& hook, Reader& reader) {
  hook.working_dir = reader.text(node).value_or("");
}
void read_environment(const yaml::Node& node, Hook& hook, Reader& reader) {
  for (auto& [name, value] : reader.pairs(node)) hook.environment[name] = value.value;
}
constexpr Field<Hook> kHookFields[] = {{"command", read_command, Null::kAllowed},
                                       {"user", read_user},
                                       {"privileged", read_privileged},
                                       {"working_dir", read_working_dir},
                                       {"environment", read_environment}};

template <auto Member>
void read_hooks(const yaml::Node& node, Service& service, Reader& reader) {
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) {
    const int before = reader.errors();
    Hook& hook = (service.lifecycle.*Member).emplace_back();
    hook.location = item.location;
    read_fields(item, kHookFields, hook, reader);
    if (reader.errors() != before || (hook.command && !hook.command->empty())) continue;
    const bool given = item.find("command") != nullptr;
    reader.error(item.location, given ? "compose.refused-by-engine" : "compose.missing-key",
                 "'" + reader.path() + "' needs a 'command'");
  }
}

constexpr Field<Service> kFields[] = {
    {.key = "post_start", .read = read_hooks<&Lifecycle::post_start>, .members = members_of<kHookFields>},
    {.key = "pre_stop", .read = read_hooks<&Lifecycle::pre_stop>, .members = members_of<kHookFields>},
};

// They are no part of the body: the agent has the engine run them, see add_hooks().
void emit(const Service&, const Project&, EngineBody&) {}

nlohmann::json hook_json(const Hook& hook) {
  nlohmann::json json = nlohmann::json::object();
  json["command"] = hook.command ? nlohmann::json(*hook.command) : nlohmann::json();
  put(json, "user", hook.user);
  put(json, "working_dir", hook.working_dir);
  if (hook.privileged) json["privileged"] = true;
  for (const auto& [name, value] : hook.environment) {
    json["environment"][name] = value ? nlohmann::json(*value) : nlohmann::json();
  }
  return json;
}

void print(const Service& service, const Project&, nlohmann::json& into) {
  for (const Hook& hook : service.lifecycle.post_start) into["post_start"].push_back(hook_json(hook));
  for (const Hook& hook : service.lifecycle.pre_stop) into["pre_stop"].push_back(hook_json(hook));
}

void lower_hook(const Hook& hook, v1::Hook& into) {
  for (const std::string& word : *hook.command) into.add_command(word);
  into.set_user(hook.user);
  into.set_privileged(hook.privileged);
  into.set_working_dir(hook.working_dir);
  for (const auto& [name, value] : hook.environment) into.add_environment(value ? name + "=" + *value : name);
}

}  // namespace

void add_hooks(const Service& service, v1::Service& into) {
  for (const Hook& hook : service.lifecycle.post_start) lower_hook(hook, *into.add_post_start());
  for (const Hook& hook : service.lifecycle.pre_stop) lower_hook(hook, *into.add_pre_stop());
}

constinit const Family kHooks{kFields, emit, print};

}  // namespace hivemind::hub::compose

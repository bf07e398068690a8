#include "agent/plan/hooks.h"

#include <nlohmann/json.hpp>

#include "common/error.h"

namespace hivemind::agent {

using nlohmann::json;

std::string to_label(const std::vector<Hook>& hooks) {
  if (hooks.empty()) return {};
  json list = json::array();
  for (const Hook& hook : hooks) {
    list.push_back({{"command", hook.command},
                    {"user", hook.user},
                    {"privileged", hook.privileged},
                    {"working_dir", hook.working_dir},
                    {"environment", hook.environment}});
  }
  return list.dump();
}

std::vector<Hook> hooks_from_label(std::string_view text) {
  std::vector<Hook> hooks;
  if (text.empty()) return hooks;
  try {
    for (const json& entry : json::parse(text)) {
      hooks.push_back({entry.at("command").get<std::vector<std::string>>(),
                       entry.at("user").get<std::string>(), entry.at("privileged").get<bool>(),
                       entry.at("working_dir").get<std::string>(),
                       entry.at("environment").get<std::vector<std::string>>()});
      if (hooks.back().command.empty()) throw Error(ErrorCode::kInvalid, "a hook has no command");
    }
  } catch (const json::exception& error) {
    throw Error(ErrorCode::kInvalid, "the label of the hooks is not what it should be: {}", error.what());
  }
  return hooks;
}

}  // namespace hivemind::agent

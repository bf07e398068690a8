#include "hub/access/scope_json.h"

#include "common/error.h"
#include "common/ids.h"
#include "hub/access/selector_text.h"

namespace hivemind::hub {

using nlohmann::json;

json to_json(const api::Scope& scope) {
  return {{"nodes", to_text(scope.nodes)}, {"stacks", scope.stacks}};
}

api::Scope scope_from_json(const json& value) {
  api::Scope scope;
  if (!value.is_object()) throw Error(ErrorCode::kInvalid, "'scope' is no object with 'nodes' and 'stacks'");
  for (const auto& [key, member] : value.items()) {
    if (key == "nodes" && member.is_string()) {
      if (!member.get<std::string>().empty()) scope.nodes = parse_selector(member.get<std::string>());
    } else if (key == "stacks" && member.is_array()) {
      for (const json& stack : member) {
        const std::string name = stack.is_string() ? stack.get<std::string>() : "";
        if (!is_stack_name(name))
          throw Error(ErrorCode::kInvalid, "'{}' in 'scope' is no stack name", stack.dump());
        scope.stacks.insert(name);
      }
    } else {
      throw Error(ErrorCode::kInvalid, "'scope' may hold 'nodes' (a text) and 'stacks' (a list), found '{}'",
                  key);
    }
  }
  return scope;
}

}  // namespace hivemind::hub

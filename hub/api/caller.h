#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "hub/desired/fleet.h"

// Who asks something of the API, and what they may. Pure.
namespace hivemind::hub::api {

// Each may do what those before it may.
enum class Role {
  kNobody,    // no token: only what is open to all
  kViewer,    // looks
  kOperator,  // has nodes and the hub do their work: sync, retry, apply, adopt, purge
  kAdmin,     // tokens, secrets, enrolment, keys, registry logins, the audit log
};

std::string_view to_string(Role role);
std::optional<Role> role_of(std::string_view text);

// A part of the fleet. Empty members leave nothing out.
struct Scope {
  Selector nodes;
  std::set<std::string> stacks;

  bool has_all_nodes() const { return nodes.labels.empty() && nodes.ids.empty(); }
  bool has_all_stacks() const { return stacks.empty(); }
  bool is_whole() const { return has_all_nodes() && has_all_stacks(); }
  bool covers_stack(const std::string& name) const { return stacks.empty() || stacks.contains(name); }
};

struct Caller {
  std::string name;  // of the token; empty: nobody
  Role role = Role::kNobody;
  Scope scope;
  std::string address;   // where the request comes from: an IP address
  std::string token_id;  // which token it was; empty for admin.token
};

}  // namespace hivemind::hub::api

#include "hub/api/caller.h"

#include <array>
#include <utility>

namespace hivemind::hub::api {
namespace {

constexpr std::array<std::pair<Role, std::string_view>, 4> kRoles{{{Role::kNobody, "nobody"},
                                                                   {Role::kViewer, "viewer"},
                                                                   {Role::kOperator, "operator"},
                                                                   {Role::kAdmin, "admin"}}};

}  // namespace

std::string_view to_string(Role role) {
  return kRoles.at(static_cast<std::size_t>(role)).second;
}

std::optional<Role> role_of(std::string_view text) {
  for (const auto& [role, name] : kRoles) {
    if (role != Role::kNobody && name == text) return role;
  }
  return std::nullopt;
}

}  // namespace hivemind::hub::api

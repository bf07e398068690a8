#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hub/cli/text.h"
#include "hub/cli/views.h"

namespace hivemind::hub::cli {
namespace {

std::string names(const Json& list) {
  std::vector<std::string> all;
  for (const Json& one : list) {
    if (one.is_string()) all.push_back(one.get<std::string>());
  }
  return all.empty() ? "-" : fmt::format("{}", fmt::join(all, ", "));
}

}  // namespace

std::string secret_list_view(const Json& answer, const Screen& screen) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& secret : list_of(answer, "secrets")) {
    rows.push_back({{text_of(secret, "name")},
                    {text_of(secret, "scope")},
                    {age(text_of(secret, "updated_at"), screen.now)},
                    {names(list_of(secret, "used_by"))}});
  }
  if (rows.empty()) return "no secrets are set\n";
  return layout({{"NAME"}, {"SCOPE"}, {"SET"}, {"USED BY", Overflow::kWrap}}, rows, screen);
}

std::string registry_list_view(const Json& answer, const Screen& screen) {
  std::vector<std::vector<Cell>> rows;
  for (const Json& login : list_of(answer, "registries")) {
    const std::string user = text_of(login, "username");
    rows.push_back({{text_of(login, "registry")},
                    {user.empty() ? "(identity token)" : user},
                    {age(text_of(login, "updated_at"), screen.now)}});
  }
  if (rows.empty()) return "no logins are kept\n";
  return layout({{"REGISTRY"}, {"USER"}, {"SET"}}, rows, screen);
}

}  // namespace hivemind::hub::cli

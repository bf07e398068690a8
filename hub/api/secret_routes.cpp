#include "hub/api/secret_routes.h"

#include <algorithm>
#include <set>

#include <fmt/ranges.h>

#include "common/digest.h"
#include "common/error.h"
#include "common/ids.h"
#include "common/redact.h"
#include "hub/api/message.h"
#include "hub/api/views.h"
#include "hub/clock.h"
#include "hub/registry/image_name.h"

namespace hivemind::hub::api {
namespace {

using nlohmann::json;

json body_of(const Request& request, std::initializer_list<std::string_view> members) {
  json body = body_object(request.body);
  for (const auto& [key, value] : body.items()) {
    const bool known = std::ranges::find(members, key) != members.end();
    if (!known || !value.is_string()) {
      throw Error(ErrorCode::kInvalid, "the body may hold '{}' as strings, found '{}'",
                  fmt::join(members, "', '"), key);
    }
  }
  return body;
}

std::string text_of(const json& body, const char* key) {
  return body.value(key, std::string());
}

std::string value_of(const json& body) {
  const bool plain = body.contains("value"), encoded = body.contains("value_base64");
  if (plain == encoded)
    throw Error(ErrorCode::kInvalid, "the body must hold one of 'value' and 'value_base64'");
  if (plain) return text_of(body, "value");
  try {
    return from_base64(text_of(body, "value_base64"));
  } catch (const Error&) {
    throw Error(ErrorCode::kInvalid, "'value_base64' is no Base64");  // never quoted
  }
}

constexpr const char* kWithoutValue =
    "the value of secrets.yml takes its place, and where there is none, what runs goes on unchanged";

// "stacks 'shop', 'web'"
std::string named(const std::set<std::string>& stacks) {
  return fmt::format("stack{} '{}'", stacks.size() == 1 ? "" : "s", fmt::join(stacks, "', '"));
}

// A login that cannot be one would wait for a registry that nobody pulls from.
std::string registry_of(const Request& request) {
  std::string registry = registry::canonical_registry(request.variable("registry"));
  if (is_registry(registry)) return registry;
  throw Error(ErrorCode::kInvalid,
              "'{}' is no registry (expected HOST or HOST:PORT as images name it, such as 'ghcr.io')",
              registry);
}

registry::Login login_of(const json& body) {
  registry::Login login{text_of(body, "username"), text_of(body, "password"),
                        text_of(body, "identity_token")};
  if (body.contains("identity_token") && login.identity_token.empty())
    throw Error(ErrorCode::kInvalid, "the identity token is empty");
  if (!login.identity_token.empty()) return login;
  if (body.contains("password") && login.password.empty())
    throw Error(ErrorCode::kInvalid, "the password of '{}' is empty", login.username);
  if (login.username.empty() || login.password.empty()) {
    throw Error(ErrorCode::kInvalid, "the body must hold 'username' and 'password', or an 'identity_token'");
  }
  return login;
}

class SecretRoutes {
 public:
  SecretRoutes(SecretKeeper& keeper, SecretHooks hooks) : keeper_(keeper), hooks_(std::move(hooks)) {}

  Response list(const Request&) const {
    const std::vector<NodeIdentity> nodes = hooks_.nodes();
    json all = json::array();
    for (const SecretSummary& one : keeper_.secrets()) all.push_back(view(one, nodes));
    return json_response({{"secrets", std::move(all)}});
  }

  Response set(const Request& request) const {
    const json body = body_of(request, {"scope", "value", "value_base64"});
    const std::string& name = request.variable("secret");
    const SecretScope scope = SecretScope::parse(body.value("scope", "fleet"));
    const std::string value = value_of(body);
    const json before = known(name, scope);
    const bool changed = keeper_.set(name, scope, value, unix_now_ms());
    if (changed) hooks_.on_changed();
    const std::vector<std::string> doubts = doubts_of(scope, value);
    std::string text =
        changed ? fmt::format("secret '{}' is set for {}{}", name, scope.description(), used(name, scope))
                : fmt::format("secret '{}' has this value for {} already", name, scope.description());
    for (const std::string& doubt : doubts) text += "; " + doubt;
    Response response = json_response({{"name", name},
                                       {"scope", scope.text()},
                                       {"changed", changed},
                                       {"warnings", doubts},
                                       {"text", std::move(text)}});
    if (changed) response.change = Change{before, known(name, scope)};
    return response;
  }

  Response remove(const Request& request) const {
    const std::string& name = request.variable("secret");
    const std::string_view text = request.parameter("scope");
    const SecretScope scope = SecretScope::parse(text.empty() ? "fleet" : text);
    const json before = known(name, scope);
    if (before.is_null()) {
      throw Error(ErrorCode::kNotFound, "there is no secret '{}' for {}", name, scope.description());
    }
    const ValueUse use = use_of(name, scope, hooks_.nodes());
    if (request.parameter("force") != "true") {
      if (!hooks_.knows_users())
        throw Error(
            ErrorCode::kUnavailable,
            "the hub has not compiled the repository yet, so it cannot tell who uses secret '{}' (try "
            "again, or use --force)",
            name);
      require_unneeded(name, scope, use);
    }
    keeper_.remove(name, scope);
    hooks_.on_changed();
    Response response = json_response({{"name", name},
                                       {"scope", scope.text()},
                                       {"text", fmt::format("secret '{}' is removed for {}{}", name,
                                                            scope.description(), what_follows(use))}});
    response.change = Change{before, nullptr};
    return response;
  }

  Response key(const Request&) const { return verbatim_response({{"key", keeper_.git_key()}}); }

  Response logins(const Request&) const {
    json all = json::array();
    for (const LoginSummary& one : keeper_.logins()) all.push_back(view(one));
    return json_response({{"registries", std::move(all)}});
  }

  Response set_login(const Request& request) const {
    const json body = body_of(request, {"username", "password", "identity_token"});
    const registry::Login login = login_of(body);
    const std::string registry = registry_of(request);
    const json before = known_login(registry);
    keeper_.set_login(registry, login, unix_now_ms());
    hooks_.on_changed();
    Response response = json_response(
        {{"registry", registry}, {"text", fmt::format("the login for '{}' is kept", registry)}});
    response.change = Change{before, known_login(registry)};
    return response;
  }

  Response remove_login(const Request& request) const {
    const std::string registry = registry::canonical_registry(request.variable("registry"));
    const json before = known_login(registry);
    if (!keeper_.remove_login(registry))
      throw Error(ErrorCode::kNotFound, "no login is kept for '{}'", registry);
    hooks_.on_changed();
    Response response = json_response(
        {{"registry", registry}, {"text", fmt::format("the login for '{}' is forgotten", registry)}});
    response.change = Change{before, nullptr};
    return response;
  }

 private:
  ValueUse use_of(const std::string& name, const SecretScope& scope,
                  const std::vector<NodeIdentity>& nodes) const {
    std::vector<SecretScope> scopes;
    for (const SecretSummary& one : keeper_.secrets()) {
      if (one.name == name) scopes.push_back(one.scope);
    }
    return hub::use_of(scope, scopes, hooks_.users(name), nodes);
  }

  std::string used(const std::string& name, const SecretScope& scope) const {
    const std::set<std::string> stacks = use_of(name, scope, hooks_.nodes()).stacks;
    return stacks.empty() ? ", and no stack uses it yet" : ", used by " + named(stacks);
  }

  // What may not be as it was meant, and is no reason to refuse it: nodes and stacks may follow.
  std::vector<std::string> doubts_of(const SecretScope& scope, const std::string& value) const {
    std::vector<std::string> doubts;
    const std::vector<NodeIdentity> nodes = hooks_.nodes();
    const bool holds_somewhere =
        std::ranges::any_of(nodes, [&](const NodeIdentity& node) { return scope.holds_for("", node); });
    if (scope.kind == SecretScope::Kind::kStack && !hooks_.has_stack(scope.of)) {
      doubts.push_back(fmt::format("stacks.yml lists no stack '{}' yet", scope.of));
    } else if (scope.kind == SecretScope::Kind::kNode && !holds_somewhere) {
      doubts.push_back(fmt::format("there is no node '{}' yet", scope.of));
    } else if (scope.kind == SecretScope::Kind::kSelector && !holds_somewhere) {
      doubts.push_back(fmt::format("there are no {} yet", scope.description()));
    }
    if (value.size() < Redactor::kMinRedacted) {
      doubts.push_back(fmt::format(
          "a value of less than {} bytes is not taken out of logs and reports: it would be found everywhere",
          +Redactor::kMinRedacted));
    }
    return doubts;
  }

  static void require_unneeded(const std::string& name, const SecretScope& scope, const ValueUse& use) {
    if (use.bereft.empty()) return;
    throw Error(ErrorCode::kConflict,
                "secret '{}' for {} is used by {}, and the hub has no other value for {} (take it out there "
                "first, or use --force: {})",
                name, scope.description(), named(use.bereft), use.bereft.size() == 1 ? "it" : "them",
                kWithoutValue);
  }

  static std::string what_follows(const ValueUse& use) {
    std::string text;
    for (const auto& [next, stacks] : use.instead)
      text += fmt::format("; {}: the value for {} takes its place", named(stacks), next);
    if (!use.bereft.empty()) text += fmt::format("; {}: {}", named(use.bereft), kWithoutValue);
    return text;
  }

  json view(const SecretSummary& one, const std::vector<NodeIdentity>& nodes) const {
    return {{"name", one.name},
            {"scope", one.scope.text()},
            {"updated_at", rfc3339(one.updated_at_ms)},
            {"used_by", use_of(one.name, one.scope, nodes).stacks}};
  }
  static json view(const LoginSummary& one) {
    return {
        {"registry", one.registry}, {"username", one.username}, {"updated_at", rfc3339(one.updated_at_ms)}};
  }

  json known(const std::string& name, const SecretScope& scope) const {
    for (const SecretSummary& one : keeper_.secrets()) {
      if (one.name == name && one.scope == scope) return view(one, hooks_.nodes());
    }
    return nullptr;
  }
  json known_login(const std::string& registry) const {
    for (const LoginSummary& one : keeper_.logins()) {
      if (one.registry == registry) return view(one);
    }
    return nullptr;
  }

  SecretKeeper& keeper_;
  SecretHooks hooks_;
};

}  // namespace

Table secret_routes(SecretKeeper& keeper, SecretHooks hooks) {
  const auto routes = std::make_shared<const SecretRoutes>(keeper, std::move(hooks));
  const auto call = [routes](Response (SecretRoutes::*member)(const Request&) const) {
    return [routes, member](const Request& request) { return (routes.get()->*member)(request); };
  };
  const auto change = [&call](std::string_view method, std::string_view pattern, Audited audited,
                              Response (SecretRoutes::*member)(const Request&) const) {
    return Route{method, pattern, Role::kAdmin, std::move(audited), at_once(call(member))};
  };
  return {
      for_whole_fleet("the list of secrets",
                      look("/api/v1/secrets", Role::kViewer, call(&SecretRoutes::list))),
      for_whole_fleet("a secret", change("PUT", "/api/v1/secrets/{secret}", {"secret.set", {"scope"}},
                                         &SecretRoutes::set)),
      for_whole_fleet("a secret", change("DELETE", "/api/v1/secrets/{secret}",
                                         {"secret.rm", {"scope", "force"}}, &SecretRoutes::remove)),
      look("/api/v1/sealing-key", Role::kViewer, call(&SecretRoutes::key)),
      for_whole_fleet("the list of logins",
                      look("/api/v1/registries", Role::kViewer, call(&SecretRoutes::logins))),
      for_whole_fleet("a login", change("PUT", "/api/v1/registries/{registry}",
                                        {"registry.login", {"username"}}, &SecretRoutes::set_login)),
      for_whole_fleet("a login", change("DELETE", "/api/v1/registries/{registry}", {"registry.logout"},
                                        &SecretRoutes::remove_login)),
  };
}

}  // namespace hivemind::hub::api

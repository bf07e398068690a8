#include "hub/access/access_routes.h"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/error.h"
#include "hub/access/scope_json.h"
#include "hub/api/views.h"
#include "hub/clock.h"

namespace hivemind::hub {
namespace {

namespace asio = boost::asio;
using api::Request;
using api::Response;
using api::Role;
using nlohmann::json;

json view(const AccessToken& token, std::int64_t now_ms) {
  return {{"id", token.id},
          {"name", token.name},
          {"role", api::to_string(token.role)},
          {"scope", to_json(token.scope)},
          {"state", to_string(state_of(token, now_ms))},
          {"created_by", token.created_by},
          {"created_at", api::rfc3339(token.created_at_ms)},
          {"expires_at", api::rfc3339(token.expires_at_ms)},
          {"used_at", api::rfc3339(token.used_at_ms)}};
}

// What of a token is worth a place in the audit log.
json audited(const AccessToken& token) {
  return {{"id", token.id},
          {"name", token.name},
          {"role", api::to_string(token.role)},
          {"scope", to_json(token.scope)},
          {"expires_at", api::rfc3339(token.expires_at_ms)}};
}

Response list(const AccessTokens& tokens) {
  const std::int64_t now_ms = unix_now_ms();
  json all = json::array();
  for (const AccessToken& token : tokens.all()) all.push_back(view(token, now_ms));
  return api::json_response({{"tokens", all}});
}

WantedToken wanted_of(const std::string& body, std::int64_t now_ms) {
  constexpr std::int64_t kMostSeconds = 3653LL * 86'400;
  const json parsed = api::body_object(body);
  WantedToken wanted;
  std::optional<Role> role;
  for (const auto& [key, value] : parsed.items()) {
    if (key == "name" && value.is_string()) {
      wanted.name = value.get<std::string>();
    } else if (key == "role" && value.is_string()) {
      role = api::role_of(value.get<std::string>());
    } else if (key == "scope") {
      wanted.scope = scope_from_json(value);
    } else if (key == "ttl_s" && value.is_number_integer() && value.get<std::int64_t>() > 0 &&
               value.get<std::int64_t>() <= kMostSeconds) {
      wanted.expires_at_ms = now_ms + value.get<std::int64_t>() * 1000;
    } else {
      throw Error(ErrorCode::kInvalid,
                  "the body may hold 'name', 'role', 'scope' and 'ttl_s' (1 to {} seconds), found '{}'",
                  kMostSeconds, key);
    }
  }
  if (!role) throw Error(ErrorCode::kInvalid, "'role' is missing (viewer, operator or admin)");
  wanted.role = *role;
  return wanted;
}

Response create(AccessTokens& tokens, const Request& request) {
  const std::int64_t now_ms = unix_now_ms();
  const AccessTokens::Created created =
      tokens.create(wanted_of(request.body, now_ms), request.caller.name, now_ms);
  json answer = view(created.token, now_ms);
  answer["token"] = created.text;
  Response response = api::verbatim_response(answer);
  response.change = api::Change{nullptr, audited(created.token)};
  return response;
}

// Whoever holds a token that is to end may well give all of it.
void keep_token_name(Request& request) {
  std::string& token = request.variables["token"];
  token = token_named(token);
}

Response revoke(const AccessParts& parts, const Request& request) {
  const std::int64_t now_ms = unix_now_ms();
  const std::string& named = request.variable("token");
  if (named.empty()) {
    throw Error(ErrorCode::kInvalid,
                "what is given is no token, and neither name nor id of one ('hivemind token ls' has them)");
  }
  const AccessToken& token = parts.tokens.revoke(named, now_ms);
  Response response = api::json_response(view(token, now_ms));
  response.change = api::Change{audited(token), nullptr};
  // Behind this answer, for the token may be the one that it is asked with.
  response.ends_caller = token.id == request.caller.token_id;
  asio::post(parts.loop, parts.on_revoked);
  return response;
}

json view(const AuditEntry& entry) {
  json shown = {{"id", entry.id},
                {"at", api::rfc3339(entry.at_ms)},
                {"who", entry.deed.who},
                {"role", entry.deed.role},
                {"token", entry.deed.token},
                {"address", entry.deed.address},
                {"action", entry.deed.action},
                {"asked", entry.deed.asked},
                {"outcome", "unknown"},
                {"text", ""},
                {"hash", entry.hash}};
  if (!entry.outcome) return shown;
  shown["outcome"] = entry.outcome->status < 400   ? "done"
                     : entry.outcome->status < 500 ? "refused"
                                                   : "failed";
  shown["text"] = entry.outcome->text;
  shown["before"] = entry.outcome->before;
  shown["after"] = entry.outcome->after;
  return shown;
}

Response list(AuditLog& log, const Request& request) {
  constexpr std::int64_t kMost = 1000;
  AuditQuery query;
  query.limit = static_cast<int>(request.number("limit", 100, 1, kMost));
  query.before = request.number("before", 0, 0, INT64_MAX);
  query.who = request.parameter("who");
  const std::int64_t within_s = request.number("within", 0, 0, INT64_MAX / 1000);
  if (within_s > 0) query.since_ms = unix_now_ms() - within_s * 1000;
  json entries = json::array();
  for (const AuditEntry& entry : log.find(query)) entries.push_back(view(entry));
  return api::json_response({{"entries", entries}, {"head", log.head().hash}});
}

bool is_hash(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

asio::awaitable<Response> verify(AuditLog& log, asio::any_io_executor loop, const Request& request) {
  const std::string wanted(request.parameter("head"));
  if (!wanted.empty() && !is_hash(wanted)) {
    throw Error(ErrorCode::kInvalid, "'{}' is no head of an audit log (expected 64 hex digits)", wanted);
  }
  AuditLog::Verification verification(log, wanted);
  while (!verification.step()) co_await asio::post(loop, asio::use_awaitable);
  const AuditVerdict& verdict = verification.verdict();
  json shown = {{"whole", verdict.wrong.empty() && verdict.has_head.value_or(true)},
                {"wrong", verdict.wrong},
                {"rows", verdict.rows},
                {"id", verdict.head.id},
                {"head", verdict.head.hash}};
  if (verdict.has_head) shown["has_head"] = *verdict.has_head;
  co_return api::json_response(shown);
}

}  // namespace

api::Table access_routes(AccessParts parts) {
  AccessTokens* const tokens = &parts.tokens;
  AuditLog* const audit = &parts.audit;
  return {
      api::look("/api/v1/access/tokens", Role::kAdmin, [tokens](const Request&) { return list(*tokens); }),
      {"POST",
       "/api/v1/access/tokens",
       Role::kAdmin,
       {"token.create", {"name", "role", "scope", "ttl_s"}},
       api::at_once([tokens](const Request& request) { return create(*tokens, request); })},
      {"POST",
       "/api/v1/access/tokens/{token}/revoke",
       Role::kAdmin,
       {"token.revoke"},
       api::at_once([parts](const Request& request) { return revoke(parts, request); }),
       keep_token_name},
      api::look("/api/v1/audit", Role::kAdmin,
                [audit](const Request& request) { return list(*audit, request); }),
      {"GET",
       "/api/v1/audit/verify",
       Role::kAdmin,
       {},
       [audit, loop = parts.loop](const Request& request) { return verify(*audit, loop, request); }},
  };
}

AuditedDeed deed_of(const api::Route& route, const api::Request& request) {
  const api::Caller& caller = request.caller;
  AuditedDeed deed{caller.name,
                   caller.role == Role::kNobody ? "" : std::string(api::to_string(caller.role)),
                   caller.token_id,
                   caller.address,
                   std::string(route.audited.action),
                   json::object()};
  for (const auto& [name, value] : request.variables) deed.asked[name] = value;
  json body = json::object();
  try {
    body = api::body_object(request.body);
  } catch (const Error&) {
    body = json::object();  // the route refuses it, and says why
  }
  for (const std::string_view member : route.audited.members) {
    const std::string name(member);
    if (body.contains(name)) {
      deed.asked[name] = std::move(body[name]);
    } else if (const auto found = request.query.find(name); found != request.query.end()) {
      deed.asked[name] = found->second;
    }
  }
  return deed;
}

AuditedOutcome outcome_of(const api::Response& response) {
  AuditedOutcome outcome{response.status, "", nullptr, nullptr};
  if (response.status >= 400) {
    const json body = json::parse(response.body, nullptr, false);
    if (body.is_object() && body.contains("error")) outcome.text = body["error"].value("message", "");
  }
  if (response.change) {
    outcome.before = response.change->before;
    outcome.after = response.change->after;
  }
  return outcome;
}

}  // namespace hivemind::hub

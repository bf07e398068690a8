#include "hub/api/enrolment_routes.h"

#include <utility>

#include "hub/api/enrolment_views.h"
#include "hub/api/views.h"
#include "hub/enrolment/token.h"

namespace hivemind::hub::api {
namespace {

using nlohmann::json;

constexpr int kRetrySeconds = 5;

// What routes need; they hold it together.
struct Desk {
  Enrolment& enrolment;
  EnrolmentFacts facts;
};

json member_view(const EnrolledNode* node) {
  if (node == nullptr) return nullptr;
  return {{"node", node->id},
          {"labels", node->labels},
          {"token", node->token},
          {"certificate", node->serial},
          {"certificate_until", rfc3339(node->certificate_until_ms)},
          {"revoked_at", rfc3339(node->revoked_at_ms)}};
}

// What has been answered before is no change that the audit log is to have again.
void note_news(const Desk& desk, const Enrolment::Enrolled& enrolled, Response* response) {
  if (enrolled.news == Enrolment::News::kNo) return;
  response->change = Change{member_view(enrolled.before ? &*enrolled.before : nullptr),
                            member_view(desk.enrolment.find(enrolled.node))};
}

// Who is turned away has shown a right, so this is no 401.
Response turned_away(const Enrolment::TurnedAway& away) {
  return error_response(
      403, to_string(ErrorCode::kDenied),
      fmt::format("turned away by an operator, as request '{}' ('hivemind node approve {}' lets it in after "
                  "all)",
                  away.request, away.request));
}

Response ca(const Desk& desk, const Request&) {
  const Authority& authority = desk.enrolment.authority();
  return verbatim_response({{"ca", authority.anchor_pem()}, {"fingerprint", authority.fingerprint()}});
}

Response enrol(const Desk& desk, const Request& request) {
  Enrolment::Question question = enrolment_question(request.body);
  question.address = request.caller.address;
  const auto answer = desk.enrolment.enrol(question);
  if (const auto* waiting = std::get_if<Enrolment::Waiting>(&answer)) {
    Response response = json_response(
        {{"state", "waiting"}, {"request", waiting->request}, {"retry_after_s", kRetrySeconds}});
    response.status = 202;
    return response;
  }
  if (const auto* away = std::get_if<Enrolment::TurnedAway>(&answer)) return turned_away(*away);
  const auto& enrolled = std::get<Enrolment::Enrolled>(answer);
  Response response = verbatim_response({{"node", enrolled.node},
                                         {"certificate", enrolled.certificate},
                                         {"ca", desk.enrolment.authority().anchor_pem()},
                                         {"broker", desk.facts.broker()},
                                         {"signing_key", desk.facts.signing_key()}});
  note_news(desk, enrolled, &response);
  return response;
}

Response renew(const Desk& desk, const Request& request) {
  const RenewalBody body = renewal_body(request.body);
  const Enrolment::Enrolled renewed = desk.enrolment.renew(body.certificate, body.csr, body.signature);
  Response response = verbatim_response(
      {{"certificate", renewed.certificate}, {"ca", desk.enrolment.authority().anchor_pem()}});
  note_news(desk, renewed, &response);
  return response;
}

// The text is told this once. A change for the audit log has the token's id only.
Response told(const Desk& desk, const Enrolment::NewToken& token) {
  const json view = token_view(token.token, desk.enrolment.now_ms());
  Response response = verbatim_response({{"token", view},
                                         {"text", token.text},
                                         {"hub", desk.facts.hub()},
                                         {"ca_fingerprint", desk.enrolment.authority().fingerprint()}});
  response.change = Change{nullptr, view};
  return response;
}

// Whoever asks has shown no right that counts; that his role is too low (403) is another thing.
template <Response (*Handle)(const Desk&, const Request&)>
Response unless_denied(const Desk& desk, const Request& request) {
  try {
    return Handle(desk, request);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kDenied) throw;
    return error_response(401, to_string(error.code()), error.what());
  }
}

// Better than a machine that has used its token up and cannot do anything with what it got.
void require_possible(const Desk& desk) {
  if (!desk.facts.obstacle.empty()) throw Error(ErrorCode::kConflict, "{}", desk.facts.obstacle);
}

Response create_token(const Desk& desk, const Request& request) {
  Enrolment::TokenWish wish = token_wish(request.body);
  require_possible(desk);
  wish.by = request.caller.name;
  return told(desk, desk.enrolment.create_token(wish));
}

Response replace(const Desk& desk, const Request& request) {
  Enrolment::TokenWish wish = token_wish(request.body);
  require_possible(desk);
  wish.by = request.caller.name;
  return told(desk, desk.enrolment.replace(request.variable("node"), wish));
}

Response tokens(const Desk& desk, const Request&) {
  json list = json::array();
  for (const EnrolmentToken& token : desk.enrolment.tokens())
    list.push_back(token_view(token, desk.enrolment.now_ms()));
  return json_response({{"tokens", std::move(list)}});
}

// Whoever holds a token that is to end may well give all of it.
void keep_token_id(Request& request) {
  std::string& token = request.variables["token"];
  token = token_id_of(token);
}

Response revoke_token(const Desk& desk, const Request& request) {
  const std::string& id = request.variable("token");
  if (id.empty()) {
    throw Error(
        ErrorCode::kInvalid,
        "what is given is no enrolment token and no id of one (10 hex digits; 'hivemind node token ls' "
        "has them)");
  }
  desk.enrolment.revoke_token(id);
  Response response = json_response({{"id", id}, {"state", "revoked"}});
  response.change = Change{json({{"token", id}}), nullptr};
  return response;
}

Response waiting(const Desk& desk, const Request&) {
  json list = json::array();
  for (const WaitingNode& each : desk.enrolment.waiting()) list.push_back(waiting_view(each));
  return json_response({{"waiting", std::move(list)}});
}

Response approve(const Desk& desk, const Request& request) {
  const json view =
      waiting_view(desk.enrolment.approve(request.variable("request"), approval_body(request.body)));
  Response response = json_response(view);
  response.change = Change{nullptr, view};
  return response;
}

Response reject(const Desk& desk, const Request& request) {
  const json view = waiting_view(desk.enrolment.reject(request.variable("request")));
  Response response = json_response(view);
  response.change = Change{view, nullptr};
  return response;
}

Response revoke(const Desk& desk, const Request& request) {
  const std::string& node = request.variable("node");
  const json before = member_view(desk.enrolment.find(node));
  desk.enrolment.revoke(node);
  const json after = member_view(desk.enrolment.find(node));
  json view = after;
  if (!desk.facts.after_revoking.empty()) view["to_do"] = desk.facts.after_revoking;
  Response response = json_response(view);
  response.change = Change{before, after};
  return response;
}

Response label(const Desk& desk, const Request& request) {
  const std::string& node = request.variable("node");
  const LabelBody body = label_body(request.body);
  const json before = member_view(desk.enrolment.find(node));
  const Labels labels = desk.enrolment.label(node, body.set, body.remove);
  Response response = json_response({{"node", node}, {"labels", labels}});
  response.change = Change{before, member_view(desk.enrolment.find(node))};
  return response;
}

}  // namespace

Table enrolment_routes(Enrolment& enrolment, EnrolmentFacts facts) {
  const auto desk = std::make_shared<Desk>(Desk{enrolment, std::move(facts)});
  const auto of = [&desk](Response (*handle)(const Desk&, const Request&)) {
    return at_once([desk, handle](const Request& request) { return handle(*desk, request); });
  };
  const auto for_tokens = [](Route route) { return for_whole_fleet("who may enrol", std::move(route)); };
  const auto for_waiting = [](Route route) { return for_whole_fleet("who waits", std::move(route)); };
  return {
      {"GET", "/api/v1/ca", Role::kNobody, {}, of(ca)},
      {"POST", "/api/v1/enroll", Role::kNobody, {"node.enroll", {"node"}}, of(unless_denied<enrol>)},
      {"POST", "/api/v1/renew", Role::kNobody, {"node.renew"}, of(unless_denied<renew>)},
      for_tokens({"GET", "/api/v1/enrolment/tokens", Role::kAdmin, {}, of(tokens)}),
      for_tokens({"POST",
                  "/api/v1/enrolment/tokens",
                  Role::kAdmin,
                  {"enrolment.token.create", {"ttl_s", "uses", "labels", "node", "approve"}},
                  of(create_token)}),
      for_tokens({"POST",
                  "/api/v1/enrolment/tokens/{token}/revoke",
                  Role::kAdmin,
                  {"enrolment.token.revoke"},
                  of(revoke_token),
                  keep_token_id}),
      for_waiting({"GET", "/api/v1/enrolment/waiting", Role::kAdmin, {}, of(waiting)}),
      for_waiting({"POST",
                   "/api/v1/enrolment/waiting/{request}/approve",
                   Role::kAdmin,
                   {"enrolment.approve", {"node"}},
                   of(approve)}),
      for_waiting({"POST",
                   "/api/v1/enrolment/waiting/{request}/reject",
                   Role::kAdmin,
                   {"enrolment.reject"},
                   of(reject)}),
      {"POST", "/api/v1/nodes/{node}/revoke", Role::kAdmin, {"node.revoke"}, of(revoke)},
      {"POST",
       "/api/v1/nodes/{node}/replace",
       Role::kAdmin,
       {"node.replace", {"ttl_s", "labels", "approve"}},
       of(replace)},
      {"POST", "/api/v1/nodes/{node}/labels", Role::kAdmin, {"node.label", {"set", "remove"}}, of(label)},
  };
}

}  // namespace hivemind::hub::api

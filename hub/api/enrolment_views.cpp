#include "hub/api/enrolment_views.h"

#include <set>

#include "common/digest.h"
#include "common/error.h"
#include "hub/api/message.h"
#include "hub/api/views.h"
#include "hub/enrolment/rules.h"

namespace hivemind::hub::api {
namespace {

using nlohmann::json;

// An object that has no other members than these. A member of another version's node is passed over where
// `others` says so.
enum class Others { kRefused, kIgnored };

json object_of(const std::string& body, const std::set<std::string_view>& members, Others others) {
  json parsed = body_object(body);
  for (const auto& [key, value] : parsed.items()) {
    if (others == Others::kRefused && !members.contains(key)) {
      throw Error(ErrorCode::kInvalid, "the body has an unknown member '{}' (known: {})", key,
                  fmt::join(members, ", "));
    }
  }
  return parsed;
}

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return {};
  if (!found->is_string()) throw Error(ErrorCode::kInvalid, "'{}' is no text", key);
  return found->get<std::string>();
}

std::string needed(const json& object, const char* key) {
  std::string text = text_of(object, key);
  if (text.empty()) throw Error(ErrorCode::kInvalid, "'{}' is missing", key);
  return text;
}

std::int64_t number_of(const json& object, const char* key, std::int64_t otherwise) {
  const auto found = object.find(key);
  if (found == object.end()) return otherwise;
  if (!found->is_number_integer()) throw Error(ErrorCode::kInvalid, "'{}' is no whole number", key);
  return found->get<std::int64_t>();
}

Labels labels_from(const json& object, const char* key) {
  Labels labels;
  const auto found = object.find(key);
  if (found == object.end()) return labels;
  if (!found->is_object()) throw Error(ErrorCode::kInvalid, "'{}' is no object of texts", key);
  for (const auto& [name, value] : found->items()) {
    if (!value.is_string()) throw Error(ErrorCode::kInvalid, "label '{}' is no text", name);
    labels.emplace(name, value.get<std::string>());
  }
  return labels;
}

bool flag_of(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return false;
  if (!found->is_boolean()) throw Error(ErrorCode::kInvalid, "'{}' is neither true nor false", key);
  return found->get<bool>();
}

}  // namespace

json token_view(const EnrolmentToken& token, std::int64_t now_ms) {
  return {{"id", token.id},
          {"state", to_string(state_of(token, now_ms))},
          {"labels", token.labels},
          {"node", token.node},
          {"replaces", token.replacing == Replacing::kYes},
          {"approve", token.approval == Approval::kNeeded},
          {"uses", token.uses},
          {"used", token.used},
          {"created_by", token.created_by},
          {"created_at", rfc3339(token.created_at_ms)},
          {"expires_at", rfc3339(token.expires_at_ms)}};
}

json waiting_view(const WaitingNode& waiting) {
  return {{"request", waiting.request},
          {"node", waiting.node},
          {"token", waiting.token},
          {"address", waiting.address},
          {"facts",
           {{"arch", waiting.facts.arch},
            {"os", waiting.facts.os},
            {"kernel", waiting.facts.kernel},
            {"hostname", waiting.facts.hostname},
            {"agent_version", waiting.facts.agent_version}}},
          {"key", waiting.key_sha256},
          {"approved", waiting.approved_at_ms != 0},
          {"rejected", waiting.rejected_at_ms != 0},
          {"first_asked_at", rfc3339(waiting.first_asked_at_ms)},
          {"asked_at", rfc3339(waiting.asked_at_ms)}};
}

Enrolment::Question enrolment_question(const std::string& body) {
  const json object = object_of(body, {}, Others::kIgnored);
  Enrolment::Question question;
  question.credential = text_of(object, "token");
  question.csr = text_of(object, "csr");
  question.seal_key = text_of(object, "sealing_key");
  question.wish = text_of(object, "node");
  const auto facts = object.find("facts");
  if (facts != object.end() && facts->is_object()) {
    question.facts = {text_of(*facts, "arch"), text_of(*facts, "os"), text_of(*facts, "kernel"),
                      text_of(*facts, "hostname"), text_of(*facts, "agent_version")};
  }
  return question;
}

RenewalBody renewal_body(const std::string& body) {
  const json object = object_of(body, {}, Others::kIgnored);
  return {needed(object, "certificate"), needed(object, "csr"), from_base64(needed(object, "signature"))};
}

Enrolment::TokenWish token_wish(const std::string& body) {
  constexpr std::int64_t kMostSeconds = std::int64_t{1} << 32;
  const json object = object_of(body, {"ttl_s", "uses", "labels", "node", "approve"}, Others::kRefused);
  Enrolment::TokenWish wish;
  const std::int64_t ttl_s =
      number_of(object, "ttl_s", std::chrono::duration_cast<std::chrono::seconds>(wish.ttl).count());
  wish.ttl = std::chrono::seconds(std::clamp<std::int64_t>(ttl_s, 0, kMostSeconds));
  wish.uses = number_of(object, "uses", wish.uses);
  wish.labels = labels_from(object, "labels");
  wish.node = text_of(object, "node");
  wish.approval = flag_of(object, "approve") ? Approval::kNeeded : Approval::kNotNeeded;
  return wish;
}

LabelBody label_body(const std::string& body) {
  const json object = object_of(body, {"set", "remove"}, Others::kRefused);
  LabelBody labels{labels_from(object, "set"), {}};
  const auto found = object.find("remove");
  if (found == object.end()) return labels;
  if (!found->is_array()) throw Error(ErrorCode::kInvalid, "'remove' is no list of texts");
  for (const json& key : *found) {
    if (!key.is_string()) throw Error(ErrorCode::kInvalid, "'remove' is no list of texts");
    labels.remove.push_back(key.get<std::string>());
  }
  return labels;
}

std::string approval_body(const std::string& body) {
  return text_of(object_of(body, {"node"}, Others::kRefused), "node");
}

}  // namespace hivemind::hub::api

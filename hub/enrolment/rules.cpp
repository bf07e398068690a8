#include "hub/enrolment/rules.h"

#include <fmt/format.h>

#include "common/digest.h"
#include "common/ids.h"
#include "hub/enrolment/token.h"

namespace hivemind::hub {
namespace {

constexpr std::size_t kMaxWaiting = 1000;
constexpr std::size_t kMaxNodeId = 63;
constexpr std::size_t kSuffixDigits = 6;
constexpr std::size_t kMostSuffixDigits = 24;
constexpr auto kDay = std::chrono::milliseconds(std::chrono::hours(24));

// One text for all: who guesses learns nothing.
Refused refused_token() {
  return {ErrorCode::kDenied, "the enrolment token is unknown, used up, expired or revoked"};
}

Refused taken(const std::string& node) {
  return {ErrorCode::kConflict,
          fmt::format("node id '{}' is taken (wish for another one, or let this machine take its place with "
                      "'hivemind node replace {}')",
                      node, node)};
}

std::string with_suffix(std::string id, std::string_view suffix) {
  id.resize(std::min(id.size(), kMaxNodeId - suffix.size() - 1));
  while (id.ends_with('-')) id.pop_back();
  return fmt::format("{}-{}", id, suffix);
}

// The machine's name, where it is free; many are called 'raspberrypi'. The suffix is of its key: it stays the
// same when it asks again. Among five hundred of that name, two agree in it once in 135 times.
std::string free_id(const EnrolmentKnowledge& known, const EnrolmentQuestion& question) {
  const std::string name = node_id_from(question.facts.hostname);
  std::string id = name;
  for (std::size_t digits = kSuffixDigits; known.is_taken(id) && digits <= kMostSuffixDigits;
       digits += kSuffixDigits)
    id = with_suffix(name, std::string_view(question.key_sha256).substr(0, digits));
  return id;
}

EnrolmentDecision admit(const EnrolmentKnowledge& known, const std::string& node) {
  const Replacing replacing = known.token->replacing;
  const bool is_taken = known.is_taken(node);
  if (is_taken && replacing == Replacing::kNo) return taken(node);
  return Admitted{node, is_taken ? replacing : Replacing::kNo};
}

}  // namespace

EnrolmentDecision decide(const EnrolmentKnowledge& known, const EnrolmentQuestion& question) {
  // Compared in any case, so that the answer for an id that does not exist takes as long.
  const bool is_right = same_bytes(known.token != nullptr ? known.token->secret_sha256 : std::string(64, '-'),
                                   question.secret_sha256);
  if (known.token == nullptr || !is_right) return refused_token();
  const EnrolmentToken& token = *known.token;
  if (known.same_key != nullptr && known.same_key->revoked_at_ms == 0) return Repeated{};
  const TokenState state = state_of(token, question.now_ms);
  if (state == TokenState::kRevoked || state == TokenState::kUsedUp) return refused_token();
  // Who waits does so for as long as it takes, also when the token has expired in the meantime.
  if (known.waiting != nullptr) {
    if (known.waiting->rejected_at_ms != 0) return TurnedAway{known.waiting->request};
    if (known.waiting->approved_at_ms == 0) return Waits{known.waiting->node};
    return admit(known, known.waiting->node);
  }
  if (state == TokenState::kExpired) return refused_token();
  if (!question.wish.empty() && !is_node_id(question.wish)) {
    return Refused{
        ErrorCode::kInvalid,
        fmt::format("'{}' is no node id (1 to 63 of a-z, 0-9 and '-', as in 'pi-kitchen')", question.wish)};
  }
  if (!token.node.empty() && !question.wish.empty() && question.wish != token.node) {
    return Refused{ErrorCode::kConflict,
                   fmt::format("the token is for node '{}', not for '{}'", token.node, question.wish)};
  }
  std::string node = !token.node.empty() ? token.node : question.wish;
  if (node.empty()) node = free_id(known, question);
  EnrolmentDecision decision = admit(known, node);
  if (token.approval == Approval::kNotNeeded || std::holds_alternative<Refused>(decision)) return decision;
  if (known.waiting_with_token >= kMaxWaiting) {
    return Refused{ErrorCode::kExhausted,
                   fmt::format("{} machines wait with this token already (approve or reject them: "
                               "'hivemind node waiting')",
                               kMaxWaiting)};
  }
  return Waits{node};
}

std::string node_id_from(std::string_view hostname) {
  std::string id;
  for (const char c : hostname.substr(0, hostname.find('.'))) {
    const bool is_upper = c >= 'A' && c <= 'Z';
    const bool is_good = is_upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (is_good) {
      id += is_upper ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!id.empty() && id.back() != '-') {
      id += '-';
    }
  }
  id.resize(std::min(id.size(), kMaxNodeId));
  while (id.ends_with('-')) id.pop_back();
  return id.empty() ? "node" : id;
}

TokenState state_of(const EnrolmentToken& token, std::int64_t now_ms) {
  if (token.revoked_at_ms != 0) return TokenState::kRevoked;
  if (token.used >= token.uses) return TokenState::kUsedUp;
  return now_ms > token.expires_at_ms ? TokenState::kExpired : TokenState::kGood;
}

std::string_view to_string(TokenState state) {
  switch (state) {
    case TokenState::kGood:
      return "good";
    case TokenState::kUsedUp:
      return "used_up";
    case TokenState::kExpired:
      return "expired";
    case TokenState::kRevoked:
      return "revoked";
  }
  return "good";
}

RenewalDecision decide_renewal(const EnrolledNode* node, CertificateState old,
                               const RenewalQuestion& question, std::chrono::milliseconds grace) {
  if (node == nullptr) {
    return Refused{ErrorCode::kDenied,
                   "this hub does not know the node (was it restored from a backup? enrol the node again "
                   "with a token of "
                   "'hivemind node token create --id ID')"};
  }
  if (node->revoked_at_ms != 0 || old == CertificateState::kRevoked) {
    return Refused{
        ErrorCode::kDenied,
        fmt::format("the certificate of node '{}' is revoked (enrol it again with a token of 'hivemind node "
                    "replace {}')",
                    node->id, node->id)};
  }
  if (question.now_ms - question.until_ms > grace.count()) {
    return Refused{
        ErrorCode::kDenied,
        fmt::format("the certificate of node '{}' has expired more than {} days ago (enrol it again with a "
                    "token of 'hivemind node replace {}')",
                    node->id, grace / kDay, node->id)};
  }
  if (question.new_key_sha256 == question.old_key_sha256)
    return Refused{ErrorCode::kInvalid, "a renewal needs a new key, not the one of the old certificate"};
  if (question.serial == node->serial) return Renewed{};
  if (question.new_key_sha256 == node->key_sha256) return Repeated{};
  const bool is_restored = old == CertificateState::kUnknown;
  if (question.serial != node->previous_serial && !is_restored) {
    return Refused{
        ErrorCode::kDenied,
        fmt::format("the certificate of node '{}' has been renewed since, more than once: somebody else may "
                    "hold its key (revoke it with 'hivemind node revoke {}', or enrol it again with a token "
                    "of 'hivemind node replace {}')",
                    node->id, node->id, node->id)};
  }
  return Renewed{is_restored ? Renewed::Kind::kRestored : Renewed::Kind::kAgain};
}

}  // namespace hivemind::hub

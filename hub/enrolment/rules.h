#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "common/error.h"
#include "hub/enrolment/records.h"

// The rules of enrolment and renewal. Pure: what is known comes in, what is to be done comes out.
namespace hivemind::hub {

// --- enrolment

// Who asks has shown that he has the key.
struct EnrolmentQuestion {
  std::string secret_sha256;
  std::string key_sha256;
  std::string wish;  // node id; empty: none
  MachineFacts facts;
  std::int64_t now_ms = 0;
};

// What the hub knows about the question.
struct EnrolmentKnowledge {
  const EnrolmentToken* token = nullptr;  // of the id that was shown; null: there is none
  const EnrolledNode* same_key =
      nullptr;                           // that has come with this token and this key, and has the key still
  const WaitingNode* waiting = nullptr;  // likewise; also one that waits no more
  std::size_t waiting_with_token = 0;    // how many others wait with it
  std::function<bool(const std::string& node)> is_taken;
};

struct Refused {
  ErrorCode code = ErrorCode::kDenied;
  std::string text;
};
struct Repeated {};  // the answer was lost: the same one again
struct Waits {
  std::string node;  // the id that it would get
};
struct TurnedAway {  // by an operator
  std::string request;
};
struct Admitted {
  std::string node;
  Replacing replacing = Replacing::kNo;
};
using EnrolmentDecision = std::variant<Refused, Repeated, Waits, TurnedAway, Admitted>;

EnrolmentDecision decide(const EnrolmentKnowledge& known, const EnrolmentQuestion& question);

// "Raspberry Pi_7" -> "raspberry-pi-7"; what has nothing of an id in it: "node".
std::string node_id_from(std::string_view hostname);

enum class TokenState { kGood, kUsedUp, kExpired, kRevoked };
TokenState state_of(const EnrolmentToken& token, std::int64_t now_ms);
std::string_view to_string(TokenState state);

// --- renewal

// Who asks has shown that he has the old certificate's key and the new one; we have issued the old one.
struct RenewalQuestion {
  std::string serial;  // of the old certificate
  std::int64_t until_ms = 0;
  std::string old_key_sha256;
  std::string new_key_sha256;
  std::int64_t now_ms = 0;
};

struct Renewed {
  enum class Kind {
    kNext,
    // By the certificate before the newest one, which nobody has then: it was lost, or came to somebody else.
    // It is to end, and this was the last time.
    kAgain,
    kRestored,  // issued by us and not remembered: the hub was restored from a backup that is older
  } kind = Kind::kNext;
};
using RenewalDecision = std::variant<Refused, Repeated, Renewed>;

// What the hub remembers of a certificate.
enum class CertificateState { kUnknown, kIssued, kRevoked };

// node: null for one that is not enrolled.
RenewalDecision decide_renewal(const EnrolledNode* node, CertificateState old,
                               const RenewalQuestion& question, std::chrono::milliseconds grace);

}  // namespace hivemind::hub

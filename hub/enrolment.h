#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/sealing.h"
#include "hub/enrolment/options.h"
#include "hub/enrolment/records.h"
#include "hub/inventory/inventory.h"
#include "hub/store/enrolment_table.h"
#include "hub/trust/authority.h"

namespace hivemind::hub {

// Makes machines nodes of the fleet, renews their certificates, and ends it again.
//
// For the loop thread. What is answered has been stored before: a hub that ends in between gives the same
// answer when it is asked again. Calls that throw have changed nothing; errors are those of the store and
// what each call says.
class Enrolment {
 public:
  using Clock = std::function<std::int64_t()>;  // Unix milliseconds

  enum class Revocation { kNode, kReplaced };

  struct Callbacks {
    // A node is there, or new hardware in its place: its sealing key is another one.
    std::function<void(const std::string& node)> on_enrolled;
    std::function<void(const std::string& node)> on_labels_changed;
    // Certificates of the node count no longer: revocation_list() names them, and their sessions must end.
    // kNode: it is no node any more, and gets no manifest.
    std::function<void(const std::string& node, Revocation what)> on_revoked;
  };

  Enrolment(EnrolmentTable& table, const Authority& authority, Inventory& inventory, EnrolmentOptions options,
            Clock clock, Callbacks callbacks);

  // --- what others ask about nodes

  const EnrolledNode* find(std::string_view node) const;
  // What secrets for the node are sealed to. Null for one that is not enrolled, or revoked. Until the next
  // call that changes something.
  const SealKey* sealing_key(std::string_view node) const;
  // PEM, signed; for the broker.
  std::string revocation_list() const;
  // All that it names a certificate of.
  std::set<std::string> revoked_nodes() const;
  const Authority& authority() const { return authority_; }

  // --- what nodes ask

  struct Question {
    std::string credential;  // "<token id>.<secret>"
    std::string csr;         // PEM
    std::string seal_key;    // text
    std::string wish;        // node id; empty: none
    MachineFacts facts;
    std::string address;  // where it comes from
  };
  enum class News { kNo, kYes };
  struct Enrolled {
    std::string node;
    std::string certificate;                  // PEM, with what leads to its root
    News news = News::kYes;                   // kNo: it was given this answer before
    std::optional<EnrolledNode> before = {};  // the node as it was, where there was one
  };
  struct Waiting {
    std::string request;
  };
  struct TurnedAway {
    std::string request;
  };
  using Answer = std::variant<Enrolled, Waiting, TurnedAway>;
  // Throws kDenied for the token or the request, kInvalid, kConflict for an id that is taken.
  Answer enrol(const Question& question);

  // signature: by the old certificate's key over kRenewalDomain and the request. Throws kDenied, kInvalid,
  // kExhausted for a node that does so all the time.
  Enrolled renew(std::string_view certificate, const std::string& csr, std::string_view signature);

  // --- what operators do

  struct TokenWish {
    std::chrono::milliseconds ttl = std::chrono::hours(1);
    std::int64_t uses = 1;
    Labels labels;
    std::string node;  // empty: any
    Approval approval = Approval::kNotNeeded;
    std::string by;  // name of who makes it
  };
  struct NewToken {
    EnrolmentToken token;
    std::string text;  // with the secret, which is told this once
  };
  // Throws kInvalid for what cannot be, kConflict for a node that is there.
  NewToken create_token(const TokenWish& wish);
  // For new hardware in a node's place. Throws kNotFound for one that is not enrolled.
  NewToken replace(const std::string& node, const TokenWish& wish);
  std::vector<EnrolmentToken> tokens() { return table_.tokens(); }
  void revoke_token(const std::string& id);  // throws kNotFound

  std::vector<WaitingNode> waiting() { return table_.waiting(); }
  // which: the request, or the id that it would get. as: another id; empty: that one. Returns who is let in.
  // One that was turned away may be let in after all, by its request. Throws kNotFound, kConflict when
  // several would get the id, it is taken, or the token is used up.
  WaitingNode approve(const std::string& which, const std::string& as);
  // For as long as its token is good, and it shows the same key.
  WaitingNode reject(const std::string& which);

  // Ends a node: certificates, connection, manifest. Throws kNotFound for one that is not enrolled.
  void revoke(const std::string& node);
  // Sets and takes away. Throws kNotFound for one that is not enrolled, kInvalid for what is no label.
  // Returns all that it has then.
  Labels label(const std::string& node, const Labels& set, const std::vector<std::string>& remove);

  std::int64_t now_ms() const { return clock_(); }

  static constexpr std::string_view kRenewalDomain{"hivemind/v1\0renew\0", 18};

 private:
  void show(const EnrolledNode& node);
  NewToken add_token(const TokenWish& wish, Replacing replacing);
  WaitingNode waiting_of(const std::string& which);
  const EnrolledNode* with_key(std::string_view token, std::string_view key_sha256);
  Enrolled admit(const Question& question, const EnrolmentToken& token, const x509::PublicKey& key,
                 const std::string& node, Replacing replacing);
  Waiting wait(const Question& question, const WaitingNode* before, const std::string& token,
               const std::string& key_sha256, const std::string& node);
  void give(EnrolledNode& node, const x509::PublicKey& key);
  Enrolled answer(const EnrolledNode& node, News news, const EnrolledNode* before = nullptr) const;
  void require_patience(const std::string& node);
  const EnrolledNode& require(const std::string& node);
  void forget_old();

  EnrolmentTable& table_;
  const Authority& authority_;
  Inventory& inventory_;
  EnrolmentOptions options_;
  Clock clock_;
  Callbacks callbacks_;
  std::map<std::string, EnrolledNode, std::less<>> nodes_;
  std::map<std::string, SealKey, std::less<>> seal_keys_;
  std::map<std::string, std::string, std::less<>> by_key_;  // key_sha256 -> node
  std::int64_t forgotten_at_ms_ = 0;
  std::map<std::string, int> renewals_;  // of this hour
  std::int64_t renewals_hour_ = 0;
  std::int64_t refusal_told_at_ms_ = 0;
};

}  // namespace hivemind::hub

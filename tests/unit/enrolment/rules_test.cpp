#include "hub/enrolment/rules.h"

#include <set>

#include "common/digest.h"
#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kNow = 1'800'000'000'000;
constexpr std::int64_t kHour = 3'600'000;
constexpr std::int64_t kDay = 24 * kHour;

std::string text_of(const EnrolmentDecision& decision) {
  if (const auto* refused = std::get_if<Refused>(&decision))
    return "refused: " + std::string(to_string(refused->code)) + ": " + refused->text;
  if (const auto* waits = std::get_if<Waits>(&decision)) return "waits: " + waits->node;
  if (const auto* away = std::get_if<TurnedAway>(&decision)) return "turned away: " + away->request;
  if (const auto* admitted = std::get_if<Admitted>(&decision))
    return (admitted->replacing == Replacing::kYes ? "replaces: " : "admitted: ") + admitted->node;
  return "repeated";
}

std::string text_of(const RenewalDecision& decision) {
  if (const auto* refused = std::get_if<Refused>(&decision)) return "refused: " + refused->text;
  if (const auto* renewed = std::get_if<Renewed>(&decision))
    return renewed->kind == Renewed::Kind::kRestored ? "renewed, restored"
           : renewed->kind == Renewed::Kind::kAgain  ? "renewed again"
                                                     : "renewed";
  return "repeated";
}

// A good token for one node, and a machine called pi-7 that shows it.
struct Case {
  EnrolmentToken token;
  EnrolmentQuestion question;
  std::set<std::string> taken;
  EnrolledNode same_key;
  WaitingNode waiting;
  bool has_same_key = false, waits = false, is_known = true;
  std::size_t others = 0;

  Case() {
    token.id = "t1";
    token.secret_sha256 = sha256_hex("secret");
    token.created_at_ms = kNow;
    token.expires_at_ms = kNow + kHour;
    question.secret_sha256 = token.secret_sha256;
    question.key_sha256 = "abcdef0123";
    question.facts.hostname = "pi-7";
    question.now_ms = kNow + 1;
    waiting.node = "pi-7";
  }
  std::string decided() const {
    EnrolmentKnowledge known;
    known.token = is_known ? &token : nullptr;
    known.same_key = has_same_key ? &same_key : nullptr;
    known.waiting = waits ? &waiting : nullptr;
    known.waiting_with_token = others;
    known.is_taken = [this](const std::string& node) { return taken.contains(node); };
    return text_of(decide(known, question));
  }
};

constexpr const char* kRefusal =
    "refused: denied: the enrolment token is unknown, used up, expired or revoked";

}  // namespace

TEST_CASE("who shows a token that does not count learns nothing about why") {
  struct Row {
    const char* what;
    void (*change)(Case&);
  };
  for (const Row& row : {
           Row{"unknown", [](Case& c) { c.is_known = false; }},
           Row{"guessed", [](Case& c) { c.question.secret_sha256 = sha256_hex("guess"); }},
           Row{"empty", [](Case& c) { c.question.secret_sha256 = ""; }},
           Row{"expired", [](Case& c) { c.question.now_ms = kNow + kHour + 1; }},
           Row{"used up", [](Case& c) { c.token.used = 1; }},
           Row{"revoked", [](Case& c) { c.token.revoked_at_ms = kNow; }},
           Row{"guessed by a machine that is enrolled with it",
               [](Case& c) { c.has_same_key = true, c.question.secret_sha256 = sha256_hex("guess"); }},
           Row{"guessed by a machine that waits with it",
               [](Case& c) { c.waits = true, c.question.secret_sha256 = sha256_hex("guess"); }},
           Row{"revoked while it waited", [](Case& c) { c.waits = true, c.token.revoked_at_ms = kNow; }},
           Row{"used up while it waited", [](Case& c) { c.waits = true, c.token.used = 1; }},
           Row{"used up and the node revoked since",
               [](Case& c) { c.has_same_key = true, c.token.used = 1, c.same_key.revoked_at_ms = kNow; }},
       }) {
    INFO(row.what);
    Case c;
    row.change(c);
    CHECK(c.decided() == kRefusal);
  }
}

TEST_CASE("a node's id is the token's, else the one wished for, else made of the machine's name") {
  struct Row {
    const char* what;
    void (*change)(Case&);
    const char* decided;
  };
  for (const Row& row : {
           Row{"the name", [](Case&) {}, "admitted: pi-7"},
           Row{"the name is taken", [](Case& c) { c.taken = {"pi-7"}; }, "admitted: pi-7-abcdef"},
           Row{"another with that suffix, too",
               [](Case& c) {
                 c.taken = {"pi-7", "pi-7-abcdef"};
               },
               "admitted: pi-7-abcdef0123"},
           Row{"the wish", [](Case& c) { c.question.wish = "kiosk"; }, "admitted: kiosk"},
           Row{"the wish is taken", [](Case& c) { c.question.wish = "kiosk", c.taken = {"kiosk"}; },
               "refused: conflict: node id 'kiosk' is taken (wish for another one, or let this machine take "
               "its place with "
               "'hivemind node replace kiosk')"},
           Row{"no id", [](Case& c) { c.question.wish = "Kiosk_1"; },
               "refused: invalid: 'Kiosk_1' is no node id (1 to 63 of a-z, 0-9 and '-', as in 'pi-kitchen')"},
           Row{"the token's", [](Case& c) { c.token.node = "wall"; }, "admitted: wall"},
           Row{"the token's, wished for", [](Case& c) { c.token.node = c.question.wish = "wall"; },
               "admitted: wall"},
           Row{"another than the token's", [](Case& c) { c.token.node = "wall", c.question.wish = "vault"; },
               "refused: conflict: the token is for node 'wall', not for 'vault'"},
           Row{"a place that is taken over",
               [](Case& c) {
                 c.token.node = "wall", c.token.replacing = Replacing::kYes, c.taken = {"wall"};
               },
               "replaces: wall"},
       }) {
    INFO(row.what);
    Case c;
    row.change(c);
    CHECK(c.decided() == row.decided);
  }
}

TEST_CASE("a lost answer is given again to the same key, whatever has become of the token") {
  Case c;
  c.has_same_key = true;
  CHECK(c.decided() == "repeated");
  c.token.used = 1;
  CHECK(c.decided() == "repeated");
  c.question.now_ms = kNow + 2 * kHour;
  CHECK(c.decided() == "repeated");
  c.token.revoked_at_ms = kNow;
  CHECK(c.decided() == "repeated");
}

TEST_CASE("with a token that needs approval a machine waits until it is let in, also past the token's end") {
  Case c;
  c.token.approval = Approval::kNeeded;
  CHECK(c.decided() == "waits: pi-7");
  c.others = 1000;
  CHECK(c.decided().starts_with("refused: exhausted: 1000 machines wait"));
  c.waits = true;
  c.waiting.node = "pi-9";
  CHECK(c.decided() == "waits: pi-9");
  c.question.now_ms = kNow + 2 * kHour;
  CHECK(c.decided() == "waits: pi-9");
  c.waiting.approved_at_ms = kNow;
  CHECK(c.decided() == "admitted: pi-9");
  c.taken = {"pi-9"};
  CHECK(c.decided().starts_with("refused: conflict: node id 'pi-9' is taken"));
}

TEST_CASE("who was turned away stays so, until an operator thinks better of it or the token is void") {
  Case c;
  c.token.approval = Approval::kNeeded;
  c.waits = true;
  c.waiting.request = "0a1b2c";
  c.waiting.rejected_at_ms = kNow;
  CHECK(c.decided() == "turned away: 0a1b2c");
  c.question.now_ms = kNow + 2 * kHour;
  CHECK(c.decided() == "turned away: 0a1b2c");
  c.token.revoked_at_ms = kNow;
  CHECK(c.decided() == kRefusal);
}

TEST_CASE("an id that is taken is told at once, and not after the waiting") {
  Case c;
  c.token.approval = Approval::kNeeded;
  c.question.wish = "kiosk";
  c.taken = {"kiosk"};
  CHECK(c.decided().starts_with("refused: conflict"));
}

TEST_CASE("a machine's name becomes an id") {
  for (const auto& [name, id] :
       std::vector<std::pair<std::string, std::string>>{{"pi-7", "pi-7"},
                                                        {"Kitchen.local", "kitchen"},
                                                        {"Raspberry Pi_7", "raspberry-pi-7"},
                                                        {"-x-", "x"},
                                                        {"", "node"},
                                                        {"...", "node"},
                                                        {"\xc3\xa4", "node"},
                                                        {std::string(80, 'a'), std::string(63, 'a')},
                                                        {std::string(62, 'a') + "-b", std::string(62, 'a')}})
    CHECK(node_id_from(name) == id);
}

TEST_CASE("a machine whose long name is taken still gets an id") {
  Case c;
  c.question.facts.hostname = std::string(63, 'a');
  c.taken = {std::string(63, 'a')};
  CHECK(c.decided() == "admitted: " + std::string(56, 'a') + "-abcdef");
}

TEST_CASE("a certificate is renewed by the newest or the one before it, with a new key, within grace") {
  EnrolledNode node;
  node.id = "pi-7";
  node.serial = "5b";
  node.previous_serial = "5a";
  node.key_sha256 = "new";
  struct Row {
    const char* what;
    RenewalQuestion question;
    CertificateState old;
    std::string decided;
  };
  const std::int64_t until = kNow + 30 * kDay;
  const Row rows[] = {
      {"the newest", {"5b", until, "new", "next", kNow}, CertificateState::kIssued, "renewed"},
      {"the newest, with its own key",
       {"5b", until, "new", "new", kNow},
       CertificateState::kIssued,
       "refused: a renewal needs a new key, not the one of the old certificate"},
      {"the one before, with the key that was renewed: the answer was lost",
       {"5a", until, "old", "new", kNow},
       CertificateState::kIssued,
       "repeated"},
      {"the one before, with another key: the new one was lost, too",
       {"5a", until, "old", "other", kNow},
       CertificateState::kIssued,
       "renewed again"},
      {"an older one, with the key that was renewed: the answer to a second renewal was lost",
       {"59", until, "older", "new", kNow},
       CertificateState::kIssued,
       "repeated"},
      {"an older one",
       {"59", until, "older", "other", kNow},
       CertificateState::kIssued,
       "refused: the certificate of node 'pi-7' has been renewed since, more than once: somebody else may "
       "hold its key (revoke it with "
       "'hivemind node revoke pi-7', or enrol it again with a token of 'hivemind node replace pi-7')"},
      {"ours, and not remembered",
       {"99", until, "k", "next", kNow},
       CertificateState::kUnknown,
       "renewed, restored"},
      {"revoked",
       {"5b", until, "new", "next", kNow},
       CertificateState::kRevoked,
       "refused: the certificate of node 'pi-7' is revoked (enrol it again with a token of 'hivemind node "
       "replace pi-7')"},
      {"ended, within grace",
       {"5b", kNow - 30 * kDay, "new", "next", kNow},
       CertificateState::kIssued,
       "renewed"},
      {"ended, past grace",
       {"5b", kNow - 30 * kDay - 1, "new", "next", kNow},
       CertificateState::kIssued,
       "refused: the certificate of node 'pi-7' has expired more than 30 days ago (enrol it again with a "
       "token of 'hivemind node replace pi-7')"},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    CHECK(text_of(decide_renewal(&node, row.old, row.question, 30 * 24h)) == row.decided);
  }
  node.revoked_at_ms = kNow;
  CHECK(text_of(decide_renewal(&node, CertificateState::kIssued, rows[0].question, 30 * 24h)) ==
        "refused: the certificate of node 'pi-7' is revoked (enrol it again with a token of 'hivemind node "
        "replace pi-7')");
  CHECK(text_of(decide_renewal(nullptr, CertificateState::kUnknown, rows[0].question, 30 * 24h))
            .starts_with("refused: this hub does not know the node"));
}

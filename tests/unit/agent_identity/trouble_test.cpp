#include "agent/trouble.h"

#include "agent/plan/node_report.h"
#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::agent;
using hivemind::tests::ContainsSubstring;
using mqtt::Trouble;

namespace {

constexpr std::int64_t kUntil = 1'769'860'800;  // 2026-01-31 12:00:00 UTC

HubContact contact(Trouble trouble, const std::string& failure = "") {
  return {"pi-7", trouble == Trouble::kNone, trouble, kUntil, failure};
}

}  // namespace

TEST_CASE("a node that speaks with its hub has no trouble") {
  CHECK(trouble_text(contact(Trouble::kNone)).empty());
  CHECK(refusal_text(contact(Trouble::kOther)).empty());
}

TEST_CASE("a revoked node is told how it becomes the same node again") {
  const std::string text = trouble_text(contact(Trouble::kRevoked));
  CHECK_THAT(text, ContainsSubstring("revoked") && ContainsSubstring("'hivemind node replace pi-7'"));
  CHECK_THAT(text, ContainsSubstring("--force") && !ContainsSubstring("token create"));
}

TEST_CASE("a certificate that has ended is being renewed until that fails; then why is told") {
  CHECK_THAT(trouble_text(contact(Trouble::kExpired)), ContainsSubstring("it is being renewed"));
  const std::string text =
      trouble_text(contact(Trouble::kExpired,
                           "the hub refuses: it expired more than 30 days ago ('hivemind node replace "
                           "pi-7')"));
  CHECK_THAT(text, ContainsSubstring("ended on 2026-01-31") && ContainsSubstring("node replace pi-7"));
  CHECK_THAT(text, !ContainsSubstring("being renewed"));
}

TEST_CASE("what the broker said before counts for nothing once there is a connection") {
  HubContact contact{"pi-7", true, Trouble::kExpired, kUntil, ""};
  CHECK(trouble_text(contact).empty());
  contact.renewal_failure = "no answer";
  CHECK_THAT(trouble_text(contact), ContainsSubstring("which lasts until 2026-01-31") &&
                                        ContainsSubstring("cannot be renewed: no answer"));
}

TEST_CASE("what the hub says of a certificate is not hidden by the doubt that its end casts on the clock") {
  NodeStanding standing;
  standing.trouble = "it ended more than 30 days ago";
  CHECK(node_report(standing).text() == "it ended more than 30 days ago");
  standing.clock_doubt = "the clock is wrong";
  CHECK(node_report(standing).reason() == v1::REASON_CLOCK_SKEW);
  CHECK(node_report(standing).text() == "the clock is wrong; it ended more than 30 days ago");
}

#include "common/digest.h"
#include "common/file.h"
#include "tests/unit/enrolment/enrolment_fixture.h"

using namespace hivemind;
using namespace hivemind::hub;
using namespace hivemind::tests;
using namespace std::chrono_literals;
using x509::sys_seconds;

namespace {

constexpr const char* kRefusal = "denied: the enrolment token is unknown, used up, expired or revoked";

}  // namespace

TEST_CASE_METHOD(EnrolmentFixture,
                 "a machine with a token becomes a node: certificate, sealing key, the token's labels") {
  Enrolment::TokenWish wish;
  wish.labels = {{"site", "berlin"}};
  const PrivateKey key = PrivateKey::generate();
  const Enrolment::Enrolled enrolled = enrol(question(token(wish), key));
  const Certificate certificate = Certificate::parse(enrolled.certificate);
  CHECK(enrolled.node == "pi-7");
  CHECK(certificate.common_name() == "pi-7");
  CHECK(certificate.public_key() == key.public_key());
  CHECK(certificate.not_after() == sys_seconds(1'800'000'000s) + std::chrono::days(90));
  CHECK(x509::why_untrusted(certificate, authority.certificate(), x509::Purpose::kClient,
                            sys_seconds(1'800'000'000s)) == std::nullopt);
  REQUIRE(enrolment->sealing_key("pi-7") != nullptr);
  CHECK(*enrolment->sealing_key("pi-7") == sealing.seal_key());
  CHECK(enrolment->sealing_key("pi-8") == nullptr);
  CHECK(labels_of(*inventory->find("pi-7")) == Labels{{"site", "berlin"}});
  CHECK(inventory->identities() == std::vector<NodeIdentity>{{"pi-7", {{"site", "berlin"}}}});
  CHECK(told == Strings{"enrolled pi-7"});
  start();
  CHECK(*enrolment->sealing_key("pi-7") == sealing.seal_key());
  CHECK(labels_of(*inventory->find("pi-7")) == Labels{{"site", "berlin"}});
}

TEST_CASE_METHOD(EnrolmentFixture,
                 "a token is good for as many nodes as it says, and its secret is not in the database") {
  const std::string once = token();
  enrol(question(once, PrivateKey::generate(), "a"));
  CHECK(refusal(question(once, PrivateKey::generate(), "b")) == kRefusal);
  Enrolment::TokenWish wish;
  wish.uses = 3;
  const std::string thrice = token(wish);
  for (const char* name : {"b", "c", "d"}) enrol(question(thrice, PrivateKey::generate(), name));
  CHECK(refusal(question(thrice, PrivateKey::generate(), "e")) == kRefusal);
  store->enrolment().tokens();
  std::string everything;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path()))
    everything += read_file(entry.path());
  CHECK(everything.find(once.substr(once.find('.') + 1)) == std::string::npos);
  CHECK(everything.find(sha256_hex(once.substr(once.find('.') + 1))) != std::string::npos);
}

TEST_CASE_METHOD(EnrolmentFixture,
                 "expired, revoked, guessed and malformed tokens are refused alike, and change nothing") {
  const std::string good = token();
  const std::string id = good.substr(0, good.find('.'));
  const PrivateKey key = PrivateKey::generate();
  for (const std::string& guess :
       {std::string(), std::string("x"), id, id + ".", id + ".AAAAAAAAAAAAAAAAAAAAAA",
        "0000000000." + good.substr(good.find('.') + 1), good + "x"})
    CHECK(refusal(question(guess, key)) == kRefusal);
  Enrolment::Question broken = question("x.y", key);
  broken.csr = "nothing";
  CHECK(refusal(broken) == kRefusal);  // who has no token learns nothing else
  now_ms += 3'600'001;
  CHECK(refusal(question(good, key)) == kRefusal);
  const std::string other = token();
  enrolment->revoke_token(other.substr(0, other.find('.')));
  CHECK(refusal(question(other, key)) == kRefusal);
  CHECK_THROWS_AS(enrolment->revoke_token(other.substr(0, other.find('.'))), Error);
  CHECK(inventory->nodes().empty());
  CHECK(told.empty());
}

TEST_CASE_METHOD(EnrolmentFixture,
                 "a request for a certificate that its key has not signed is refused, and uses nothing up") {
  const std::string good = token();
  Enrolment::Question bad = question(good, PrivateKey::generate());
  bad.csr[bad.csr.size() / 2] = bad.csr[bad.csr.size() / 2] == 'A' ? 'B' : 'A';
  CHECK(refusal(bad) != "taken");
  bad = question(good, PrivateKey::generate());
  bad.seal_key = "hivemind-x25519 AAAA";
  CHECK(refusal(bad).starts_with("invalid: "));
  enrol(question(good, PrivateKey::generate()));
}

TEST_CASE_METHOD(EnrolmentFixture,
                 "a hub that ends between storing and answering gives the same certificate again") {
  const std::string once = token();
  const PrivateKey key = PrivateKey::generate();
  const Enrolment::Enrolled first = enrol(question(once, key));
  start();
  CHECK(enrol(question(once, key)).certificate == first.certificate);
  now_ms += 2 * kDay;
  CHECK(enrol(question(once, key)).certificate == first.certificate);
  CHECK(refusal(question(once, PrivateKey::generate())) == kRefusal);
  CHECK(enrolment->tokens().front().used == 1);
}

TEST_CASE_METHOD(EnrolmentFixture, "an id is one node's, also after it was revoked") {
  enrol(question(token(), PrivateKey::generate()));
  Enrolment::Question second = question(token(), PrivateKey::generate());
  second.wish = "pi-7";
  CHECK(refusal(second).starts_with("conflict: node id 'pi-7' is taken"));
  Enrolment::TokenWish wish;
  wish.node = "pi-7";
  CHECK_THROWS_WITH(enrolment->create_token(wish), ContainsSubstring("node 'pi-7' is enrolled already"));
  enrolment->revoke("pi-7");
  CHECK(enrolment->revoked_nodes() == std::set<std::string>{"pi-7"});
  CHECK(refusal(second).starts_with("conflict: node id 'pi-7' is taken"));
  CHECK_THROWS_WITH(enrolment->create_token(wish),
                    "node 'pi-7' is revoked (a token of 'hivemind node replace pi-7' lets new hardware take "
                    "its place)");
}

TEST_CASE_METHOD(EnrolmentFixture,
                 "with approval a machine waits, is let in under the id that the operator says, once") {
  Enrolment::TokenWish wish;
  wish.approval = Approval::kNeeded;
  const std::string guarded = token(wish);
  const PrivateKey key = PrivateKey::generate();
  const auto answer = enrolment->enrol(question(guarded, key));
  REQUIRE(std::holds_alternative<Enrolment::Waiting>(answer));
  start();
  REQUIRE(enrolment->waiting().size() == 1);
  const WaitingNode waiting = enrolment->waiting().front();
  CHECK(waiting.node == "pi-7");
  CHECK(waiting.facts.hostname == "pi-7");
  CHECK(waiting.address == "10.0.0.7");
  CHECK(waiting.request == std::get<Enrolment::Waiting>(answer).request);
  CHECK(std::holds_alternative<Enrolment::Waiting>(enrolment->enrol(question(guarded, key))));
  CHECK(enrolment->waiting().size() == 1);
  CHECK(enrolment->approve("pi-7", "kiosk").node == "kiosk");
  CHECK(std::holds_alternative<Enrolment::Waiting>(
      enrolment->enrol(question(guarded, PrivateKey::generate(), "other"))));
  CHECK_THROWS_WITH(enrolment->approve("other", ""), ContainsSubstring("used up"));
  now_ms += 2 * kDay;
  CHECK(enrol(question(guarded, key)).node == "kiosk");
  CHECK(enrol(question(guarded, key)).node == "kiosk");
  CHECK(enrolment->waiting().size() == 1);
  CHECK_THROWS_AS(enrolment->approve("nobody", ""), Error);
}

TEST_CASE_METHOD(EnrolmentFixture,
                 "who is turned away, or waits with a token that is revoked, may not come in") {
  Enrolment::TokenWish wish;
  wish.approval = Approval::kNeeded;
  wish.uses = 5;
  const std::string guarded = token(wish);
  const PrivateKey key = PrivateKey::generate();
  enrolment->enrol(question(guarded, key, "a"));
  enrolment->enrol(question(guarded, PrivateKey::generate(), "a"));
  CHECK_THROWS_WITH(enrolment->approve("a", ""), ContainsSubstring("several machines wait"));
  const WaitingNode first = enrolment->waiting().front();
  enrolment->approve(first.request, "");
  CHECK_THROWS_WITH(enrolment->approve(enrolment->waiting().back().request, ""),
                    ContainsSubstring("promised to another machine"));
  enrolment->reject(first.request);
  CHECK(enrolment->waiting().size() == 1);
  enrolment->revoke_token(guarded.substr(0, guarded.find('.')));
  CHECK(enrolment->waiting().empty());
  CHECK(refusal(question(guarded, key, "a")) == kRefusal);
}

TEST_CASE_METHOD(EnrolmentFixture,
                 "a machine that was turned away is told so each time, and can be let in after all") {
  Enrolment::TokenWish wish;
  wish.approval = Approval::kNeeded;
  wish.ttl = std::chrono::hours(24 * 30);
  const std::string guarded = token(wish);
  const PrivateKey key = PrivateKey::generate();
  const auto is_turned_away = [&] {
    return std::holds_alternative<Enrolment::TurnedAway>(enrolment->enrol(question(guarded, key)));
  };
  enrolment->enrol(question(guarded, key));
  const std::string request = enrolment->reject("pi-7").request;
  CHECK(is_turned_away());
  CHECK(enrolment->waiting().empty());
  CHECK_THROWS_WITH(enrolment->approve("pi-7", ""), ContainsSubstring("nobody waits as 'pi-7'"));
  now_ms += 10 * kDay;  // who waits would be forgotten by now
  start();
  CHECK(is_turned_away());
  CHECK(enrolment->reject(request).request == request);
  CHECK(enrolment->approve(request, "").node == "pi-7");
  CHECK(enrol(question(guarded, key)).node == "pi-7");
}

TEST_CASE_METHOD(EnrolmentFixture,
                 "new hardware takes over a node: labels stay, certificates of the old one end") {
  Enrolment::TokenWish wish;
  wish.labels = {{"site", "berlin"}, {"role", "kiosk"}};
  const PrivateKey old_key = PrivateKey::generate(), new_key = PrivateKey::generate();
  const Enrolment::Enrolled old = enrol(question(token(wish), old_key));
  CHECK_THROWS_AS(enrolment->replace("pi-8", {}), Error);
  wish.labels = {{"role", "wall"}};
  const std::string replacing = credential_of(enrolment->replace("pi-7", wish));
  CHECK(revoked().empty());  // the old one works until the new one comes
  told.clear();
  const Enrolment::Enrolled fresh = enrol(question(replacing, new_key, "spare"));
  CHECK(fresh.node == "pi-7");
  CHECK(told == Strings{"replaced pi-7", "enrolled pi-7"});
  CHECK(labels_of(*inventory->find("pi-7")) == Labels{{"site", "berlin"}, {"role", "wall"}});
  CHECK(revoked() == Strings{serial_of(old)});
  CHECK_THAT(renewal_refusal(old.certificate, old_key, PrivateKey::generate()),
             ContainsSubstring("is revoked"));
  CHECK(renew(fresh.certificate, new_key, PrivateKey::generate()).node == "pi-7");
}

TEST_CASE_METHOD(EnrolmentFixture,
                 "a revoked node is none: no sealing key, not selected, all its certificates on the list") {
  const PrivateKey first = PrivateKey::generate(), second = PrivateKey::generate();
  const Enrolment::Enrolled enrolled = enrol(question(token(), first));
  const Enrolment::Enrolled renewed = renew(enrolled.certificate, first, second);
  enrolment->revoke("pi-7");
  Strings serials{serial_of(enrolled), serial_of(renewed)};
  std::sort(serials.begin(), serials.end());
  CHECK(revoked() == serials);
  CHECK(enrolment->sealing_key("pi-7") == nullptr);
  CHECK(inventory->identities().empty());
  CHECK(inventory->find("pi-7")->membership == Membership::kRevoked);
  CHECK(told.back() == "revoked pi-7");
  CHECK_THAT(renewal_refusal(renewed.certificate, second, PrivateKey::generate()),
             ContainsSubstring("is revoked"));
  start();
  CHECK(revoked() == serials);
  CHECK(enrolment->sealing_key("pi-7") == nullptr);
  CHECK_THROWS_AS(enrolment->revoke("pi-8"), Error);
  now_ms += 91 * kDay;
  CHECK(revoked().empty());  // they have ended by themselves
}

TEST_CASE_METHOD(EnrolmentFixture, "an answer that is given again is no news") {
  const PrivateKey first = PrivateKey::generate(), second = PrivateKey::generate();
  const Enrolment::Question asked = question(token(), first);
  CHECK(enrol(asked).news == Enrolment::News::kYes);
  const Enrolment::Enrolled enrolled = enrol(asked);
  CHECK(enrolled.news == Enrolment::News::kNo);
  CHECK(renew(enrolled.certificate, first, second).news == Enrolment::News::kYes);
  CHECK(renew(enrolled.certificate, first, second).news == Enrolment::News::kNo);
}

TEST_CASE_METHOD(EnrolmentFixture, "labels are the hub's to give and to take") {
  enrol(question(token(), PrivateKey::generate()));
  told.clear();
  CHECK(enrolment->label("pi-7", {{"site", "berlin"}, {"role", "kiosk"}}, {}) ==
        Labels{{"role", "kiosk"}, {"site", "berlin"}});
  CHECK(enrolment->label("pi-7", {{"site", "bonn"}}, {"role", "absent"}) == Labels{{"site", "bonn"}});
  CHECK(told == Strings{"labels pi-7", "labels pi-7"});
  CHECK(enrolment->label("pi-7", {}, {}) == Labels{{"site", "bonn"}});
  CHECK(told.size() == 2);
  auto report = std::make_shared<v1::Report>();
  (*report->mutable_labels())["site"] = "vault";
  inventory->node("pi-7").report = report;
  CHECK(labels_of(*inventory->find("pi-7")) == Labels{{"site", "bonn"}});
  start();
  CHECK(labels_of(*inventory->find("pi-7")) == Labels{{"site", "bonn"}});
  CHECK_THROWS_AS(enrolment->label("pi-8", {{"a", "b"}}, {}), Error);
  CHECK_THROWS_AS(enrolment->label("pi-7", {{"a b", "c"}}, {}), Error);
}

TEST_CASE_METHOD(EnrolmentFixture, "a token that cannot be meant is refused") {
  struct Row {
    const char* what;
    void (*change)(Enrolment::TokenWish&);
  };
  for (const Row& row : {Row{"uses", [](Enrolment::TokenWish& w) { w.uses = 0; }},
                         Row{"uses", [](Enrolment::TokenWish& w) { w.uses = 100'001; }},
                         Row{"has one use", [](Enrolment::TokenWish& w) { w.node = "pi-1", w.uses = 2; }},
                         Row{"lasts", [](Enrolment::TokenWish& w) { w.ttl = 0ms; }},
                         Row{"lasts", [](Enrolment::TokenWish& w) { w.ttl = 9000 * 24h; }},
                         Row{"node id", [](Enrolment::TokenWish& w) { w.node = "_hub"; }},
                         Row{"no key of a label", [](Enrolment::TokenWish& w) {
                               w.labels = {{"a=b", "c"}};
                             }}}) {
    Enrolment::TokenWish wish;
    row.change(wish);
    CHECK_THROWS_WITH(enrolment->create_token(wish), ContainsSubstring(row.what));
  }
  CHECK(enrolment->tokens().empty());
}

// Certificates that are renewed, and those of before.
#include "tests/unit/enrolment/enrolment_fixture.h"

using namespace hivemind;
using namespace hivemind::hub;
using namespace hivemind::tests;
using namespace std::chrono_literals;

TEST_CASE_METHOD(EnrolmentFixture,
                 "what a node was before it is replaced or renewed is told with the answer") {
  const std::string first = token();
  const PrivateKey key = PrivateKey::generate(), next = PrivateKey::generate();
  const Enrolment::Enrolled old = enrol(question(first, key));
  CHECK_FALSE(old.before.has_value());
  const Enrolment::Enrolled renewed = renew(old.certificate, key, next);
  REQUIRE(renewed.before.has_value());
  CHECK(renewed.before->serial == serial_of(old));
  const Enrolment::Enrolled fresh =
      enrol(question(credential_of(enrolment->replace("pi-7", {})), PrivateKey::generate()));
  REQUIRE(fresh.before.has_value());
  CHECK(fresh.before->serial == serial_of(renewed));
  CHECK(fresh.before->token == first.substr(0, first.find('.')));
}

TEST_CASE_METHOD(EnrolmentFixture,
                 "a certificate is renewed for a new key, and a lost answer is given again") {
  const PrivateKey first = PrivateKey::generate(), second = PrivateKey::generate(),
                   third = PrivateKey::generate();
  const Enrolment::Enrolled enrolled = enrol(question(token(), first));
  now_ms += 60 * kDay;
  const Enrolment::Enrolled renewed = renew(enrolled.certificate, first, second);
  CHECK(Certificate::parse(renewed.certificate).public_key() == second.public_key());
  CHECK(Certificate::parse(renewed.certificate).not_after() ==
        Certificate::parse(enrolled.certificate).not_after() + std::chrono::days(60));
  start();
  CHECK(renew(enrolled.certificate, first, second).certificate == renewed.certificate);
  const Enrolment::Enrolled again = renew(renewed.certificate, second, third);
  CHECK_THAT(renewal_refusal(enrolled.certificate, first, PrivateKey::generate()),
             ContainsSubstring("renewed since"));
  CHECK(renew(again.certificate, third, PrivateKey::generate()).node == "pi-7");
}

TEST_CASE_METHOD(
    EnrolmentFixture,
    "of a certificate that is renewed twice, for two keys, only the second one's is good, for once") {
  const PrivateKey first = PrivateKey::generate(), second = PrivateKey::generate(),
                   third = PrivateKey::generate();
  const Enrolment::Enrolled enrolled = enrol(question(token(), first));
  const Enrolment::Enrolled one = renew(enrolled.certificate, first, second);
  CHECK(revoked().empty());
  const std::int64_t revocations = store->enrolment().revocation_count();
  told.clear();
  const Enrolment::Enrolled other = renew(enrolled.certificate, first, third);
  CHECK(told == Strings{"replaced pi-7"});  // its session ends, whoever's it is
  CHECK(revoked() == Strings{serial_of(one)});
  CHECK(store->enrolment().revocation_count() == revocations + 1);
  CHECK_THAT(renewal_refusal(one.certificate, second, PrivateKey::generate()),
             ContainsSubstring("is revoked"));
  CHECK_THAT(renewal_refusal(enrolled.certificate, first, PrivateKey::generate()),
             ContainsSubstring("renewed since"));
  CHECK(renew(enrolled.certificate, first, third).certificate == other.certificate);  // a lost answer
  CHECK(renew(other.certificate, third, PrivateKey::generate()).node == "pi-7");
}

TEST_CASE_METHOD(EnrolmentFixture,
                 "a certificate that has ended can be renewed within grace, and not after") {
  const PrivateKey key = PrivateKey::generate();
  const Enrolment::Enrolled enrolled = enrol(question(token(), key));
  now_ms += 120 * kDay + 1000;
  CHECK_THAT(renewal_refusal(enrolled.certificate, key, PrivateKey::generate()),
             ContainsSubstring("more than 30 days ago"));
  now_ms -= 1000;
  CHECK(renewal_refusal(enrolled.certificate, key, PrivateKey::generate()) == "renewed");
}

TEST_CASE_METHOD(EnrolmentFixture, "nobody renews what is not his own") {
  const PrivateKey key = PrivateKey::generate(), thief = PrivateKey::generate();
  const Enrolment::Enrolled enrolled = enrol(question(token(), key));
  CHECK_THAT(renewal_refusal(enrolled.certificate, thief, thief), ContainsSubstring("not signed by the key"));
  const tests::TemporaryDirectory elsewhere;
  const Authority other = Authority::load_or_create(elsewhere.path());
  const std::string forged = other.issue_node(thief.public_key(), "pi-7", x509::kNever).pem();
  CHECK_THAT(renewal_refusal(forged, thief, PrivateKey::generate()),
             ContainsSubstring("none of this hub's nodes"));
  const KeyPair server = authority.issue_server(server_names({}), x509::kNever);
  CHECK_THAT(renewal_refusal(server.chain, PrivateKey::parse(server.key), PrivateKey::generate()),
             ContainsSubstring("none of this hub's nodes"));
  const KeyPair hub_client = authority.issue_hub_client(x509::kNever);
  CHECK_THAT(renewal_refusal(hub_client.chain, PrivateKey::parse(hub_client.key), PrivateKey::generate()),
             ContainsSubstring("does not know the node"));
  CHECK_THAT(renewal_refusal("nothing", key, thief), ContainsSubstring("invalid: "));
  // A signature over the request alone, as another protocol might have asked for.
  const std::string csr = Request::make(thief, "").pem();
  CHECK_THROWS_WITH(enrolment->renew(enrolled.certificate, csr, key.sign(csr)),
                    ContainsSubstring("not signed by the key"));
}

TEST_CASE_METHOD(EnrolmentFixture,
                 "a hub restored from a backup renews what it has forgotten that it issued") {
  const PrivateKey first = PrivateKey::generate(), second = PrivateKey::generate();
  const std::string good = token();
  const Enrolment::Enrolled enrolled = enrol(question(good, first));
  store.reset(), start();
  const tests::TemporaryDirectory backup;
  const auto copy = [](const std::filesystem::path& from, const std::filesystem::path& to) {
    for (const char* file : {"hub.db", "hub.db-wal", "hub.db-shm"}) {
      std::filesystem::remove(to / file);
      if (std::filesystem::exists(from / file)) std::filesystem::copy_file(from / file, to / file);
    }
  };
  copy(directory.path(), backup.path());
  const Enrolment::Enrolled renewed = renew(enrolled.certificate, first, second);
  const Enrolment::Enrolled late = enrol(question(token(), PrivateKey::generate(), "late"));
  enrolment.reset(), store.reset();
  copy(backup.path(), directory.path());
  start();
  CHECK(renew(renewed.certificate, second, PrivateKey::generate()).node == "pi-7");
  CHECK(enrolment->find("late") == nullptr);
}

TEST_CASE_METHOD(EnrolmentFixture, "a clock that was ahead for a while lets nobody back in") {
  const PrivateKey stolen = PrivateKey::generate();
  const Enrolment::Enrolled former = enrol(question(token(), stolen));
  enrol(question(credential_of(enrolment->replace("pi-7", {})), PrivateKey::generate()));
  CHECK(revoked() == Strings{serial_of(former)});
  now_ms += 200 * kDay;
  start();  // what has ended is forgotten
  now_ms -= 200 * kDay;
  start();
  CHECK(revoked() == Strings{serial_of(former)});
  CHECK_THAT(renewal_refusal(former.certificate, stolen, PrivateKey::generate()),
             ContainsSubstring("is revoked"));
}

TEST_CASE_METHOD(EnrolmentFixture, "a node that renews all the time is told to wait, and nobody else is") {
  PrivateKey key = PrivateKey::generate();
  Enrolment::Enrolled newest = enrol(question(token(), key));
  const auto again = [&] {
    const PrivateKey next = PrivateKey::generate();
    const std::string csr = Request::make(next, "").pem();
    newest =
        enrolment->renew(newest.certificate, csr, key.sign(std::string(Enrolment::kRenewalDomain) + csr));
    key = next;
  };
  for (int i = 0; i < 10; ++i) again();
  CHECK_THROWS_WITH(again(), ContainsSubstring("within the hour"));
  const PrivateKey other = PrivateKey::generate();
  CHECK(renew(enrol(question(token(), other, "other")).certificate, other, PrivateKey::generate()).node ==
        "other");
  now_ms += 3'600'000;
  again();
}

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "hub/enrolment.h"
#include "hub/store/store.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::tests {

using namespace hub;
using x509::Certificate;
using x509::PrivateKey;
using x509::Request;

using Strings = std::vector<std::string>;

// A hub's part that enrols, with a clock that stands still until it is moved. It can be started again on what
// it has stored.
class EnrolmentFixture {
 public:
  EnrolmentFixture() { start(); }

  void start() {
    enrolment.reset();
    inventory.reset();
    store.reset();
    store = std::make_unique<Store>(directory.path());
    inventory = std::make_unique<Inventory>();
    enrolment = std::make_unique<Enrolment>(
        store->enrolment(), authority, *inventory, options, [this] { return now_ms; },
        Enrolment::Callbacks{[this](const std::string& node) { told.push_back("enrolled " + node); },
                             [this](const std::string& node) { told.push_back("labels " + node); },
                             [this](const std::string& node, Enrolment::Revocation what) {
                               told.push_back(
                                   (what == Enrolment::Revocation::kNode ? "revoked " : "replaced ") + node);
                             }});
  }

  // What a machine called `name` sends.
  Enrolment::Question question(const std::string& credential, const PrivateKey& key,
                               const std::string& name = "pi-7") const {
    Enrolment::Question question;
    question.credential = credential;
    question.csr = Request::make(key, "").pem();
    question.seal_key = sealing.seal_key().text();
    question.facts.hostname = name;
    question.address = "10.0.0.7";
    return question;
  }
  std::string token(Enrolment::TokenWish wish = {}) { return credential_of(enrolment->create_token(wish)); }
  static std::string credential_of(const Enrolment::NewToken& token) {
    return token.text.substr(std::string("hm1.").size() + 43 + 1);
  }

  Enrolment::Enrolled enrol(const Enrolment::Question& question) {
    const auto answer = enrolment->enrol(question);
    REQUIRE(std::holds_alternative<Enrolment::Enrolled>(answer));
    return std::get<Enrolment::Enrolled>(answer);
  }
  std::string refusal(const Enrolment::Question& question) {
    try {
      enrolment->enrol(question);
    } catch (const Error& error) {
      return std::string(to_string(error.code())) + ": " + error.what();
    }
    return "taken";
  }

  Enrolment::Enrolled renew(const std::string& certificate, const PrivateKey& old_key,
                            const PrivateKey& new_key) {
    const std::string csr = Request::make(new_key, "").pem();
    return enrolment->renew(certificate, csr, old_key.sign(std::string(Enrolment::kRenewalDomain) + csr));
  }
  std::string renewal_refusal(const std::string& certificate, const PrivateKey& old_key,
                              const PrivateKey& new_key) {
    try {
      renew(certificate, old_key, new_key);
    } catch (const Error& error) {
      return std::string(to_string(error.code())) + ": " + error.what();
    }
    return "renewed";
  }
  Strings revoked() const {
    return x509::revoked_serials(authority.certificate(), enrolment->revocation_list());
  }

  TemporaryDirectory directory;
  Authority authority = Authority::load_or_create(directory.path());
  EnrolmentOptions options;
  OpenKey sealing = OpenKey::generate();
  std::int64_t now_ms = 1'800'000'000'000;
  Strings told;
  std::unique_ptr<Store> store;
  std::unique_ptr<Inventory> inventory;
  std::unique_ptr<Enrolment> enrolment;
};

inline constexpr std::int64_t kDay = 86'400'000;

inline std::string serial_of(const Enrolment::Enrolled& enrolled) {
  return Certificate::parse(enrolled.certificate).serial();
}

}  // namespace hivemind::tests

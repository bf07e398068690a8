#include <unistd.h>

#include "common/error.h"
#include "common/x509/x509.h"
#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::x509;
using namespace std::chrono_literals;

namespace {

constexpr sys_seconds kNow{1'800'000'000s};

struct Authority {
  explicit Authority(const std::string& name, sys_seconds not_after = kNever)
      : key(PrivateKey::generate()),
        certificate(self_sign(key, {name, Purpose::kAuthority, {}, {}, not_after})) {}

  Certificate issue_for(const PrivateKey& owner, Profile profile) const {
    return issue(certificate, key, owner.public_key(), profile);
  }

  PrivateKey key;
  Certificate certificate;
};

Profile node(const std::string& name) {
  return {name, Purpose::kClient, {}, {}, kNow + 24h};
}

}  // namespace

TEST_CASE("a certificate says what it was made to say, and reads back the same") {
  const Authority authority("test CA");
  const PrivateKey key = PrivateKey::generate();
  const Certificate made = authority.issue_for(key, {"hivemind-hub",
                                                     Purpose::kServer,
                                                     {"hivemind-hub", "hub.example"},
                                                     {"127.0.0.1", "::1", "fd00::7"},
                                                     kNow,
                                                     "0a1b"});
  const Certificate read = Certificate::parse(made.pem());
  CHECK(read == made);
  CHECK(read.common_name() == "hivemind-hub");
  CHECK(read.serial() == "0a1b");
  CHECK(read.not_before() == kNotBefore);
  CHECK(read.not_after() == kNow);
  CHECK(read.dns_names() == std::vector<std::string>{"hivemind-hub", "hub.example"});
  CHECK(read.ip_addresses() == std::vector<std::string>{"127.0.0.1", "::1", "fd00::7"});
  CHECK(read.public_key() == key.public_key());
  CHECK_FALSE(read.is_self_signed());
  CHECK(read.fingerprint().size() == 64);
}

TEST_CASE("a time after 2038 and the end of all times are kept") {
  const PrivateKey key = PrivateKey::generate();
  for (const sys_seconds time :
       {sys_seconds(2'147'483'648s), sys_seconds(2'524'607'999s), sys_seconds(2'524'608'000s), kNever}) {
    const Certificate made = self_sign(key, {"CA", Purpose::kAuthority, {}, {}, time});
    CHECK(Certificate::parse(made.pem()).not_after() == time);
  }
}

TEST_CASE("serials are positive, of one length, and never the same") {
  const Authority authority("test CA");
  const PrivateKey key = PrivateKey::generate();
  std::vector<std::string> seen;
  for (int i = 0; i < 50; ++i) {
    const std::string serial = authority.issue_for(key, node("pi-1")).serial();
    CHECK(serial.size() == 32);
    CHECK(serial[0] >= '4');
    CHECK(serial[0] <= '7');
    CHECK(std::find(seen.begin(), seen.end(), serial) == seen.end());
    seen.push_back(serial);
  }
}

TEST_CASE("a certificate is good for its one purpose only") {
  const Authority authority("test CA");
  const PrivateKey key = PrivateKey::generate();
  const Certificate client = authority.issue_for(key, node("pi-1"));
  const Certificate server = authority.issue_for(key, {"hub", Purpose::kServer, {"hub"}, {}, kNow});
  struct Row {
    const Certificate& certificate;
    bool client, server, authority;
  };
  for (const Row& row : {Row{client, true, false, false}, Row{server, false, true, false},
                         Row{authority.certificate, false, false, true}}) {
    CHECK(row.certificate.has_purpose(Purpose::kClient) == row.client);
    CHECK(row.certificate.has_purpose(Purpose::kServer) == row.server);
    CHECK(row.certificate.has_purpose(Purpose::kAuthority) == row.authority);
  }
}

TEST_CASE("a certificate is trusted from its issuer, for its purpose, until it expires") {
  const Authority authority("test CA");
  const Authority namesake("test CA");
  const PrivateKey key = PrivateKey::generate();
  const Certificate client = authority.issue_for(key, node("pi-1"));
  CHECK(why_untrusted(client, authority.certificate, Purpose::kClient, kNow) == std::nullopt);
  CHECK(why_untrusted(client, authority.certificate, Purpose::kClient, kNotBefore) == std::nullopt);
  CHECK(why_untrusted(client, authority.certificate, Purpose::kClient, client.not_after()) == std::nullopt);
  CHECK(why_untrusted(client, authority.certificate, Purpose::kClient, client.not_after() + 1s) ==
        "it has expired");
  CHECK(why_untrusted(client, authority.certificate, Purpose::kClient, kNotBefore - 1s) ==
        "it is not valid yet");
  CHECK(why_untrusted(client, authority.certificate, Purpose::kServer, kNow) == "it is for another purpose");
  CHECK(why_untrusted(client, namesake.certificate, Purpose::kClient, kNow) ==
        "another authority has issued it, or it is damaged");
  CHECK(why_untrusted(client, client, Purpose::kClient, kNow) == "its issuer is no authority");
  CHECK(client.is_issued_by(authority.certificate));
  CHECK_FALSE(client.is_issued_by(namesake.certificate));
  CHECK_FALSE(client.is_issued_by(Authority("another CA").certificate));
}

TEST_CASE("an authority that has expired vouches for nothing") {
  const Authority authority("test CA", kNow);
  const Certificate client = authority.issue_for(PrivateKey::generate(), node("pi-1"));
  CHECK(why_untrusted(client, authority.certificate, Purpose::kClient, kNow + 1s) ==
        "its issuer has expired");
}

TEST_CASE("an intermediate is an anchor by itself, and its text says so to OpenSSL") {
  const Authority root("root");
  const PrivateKey key = PrivateKey::generate();
  const Certificate middle = root.issue_for(key, {"middle", Purpose::kAuthority, {}, {}, kNow + 48h});
  const Certificate leaf = issue(middle, key, PrivateKey::generate().public_key(), node("pi-1"));
  CHECK(why_untrusted(leaf, middle, Purpose::kClient, kNow) == std::nullopt);
  CHECK(why_untrusted(leaf, root.certificate, Purpose::kClient, kNow) != std::nullopt);
  CHECK(middle.anchor_pem().starts_with("-----BEGIN TRUSTED CERTIFICATE-----"));
  CHECK(Certificate::parse(middle.anchor_pem()) == middle);
  CHECK(Certificate::parse_all(middle.anchor_pem() + root.certificate.pem()).size() == 2);
  CHECK(root.certificate.anchor_pem() == root.certificate.pem());
}

TEST_CASE("a chain is read in its order, and one that is cut off or damaged is refused") {
  const Authority authority("test CA");
  const Certificate leaf = authority.issue_for(PrivateKey::generate(), node("pi-1"));
  const std::string pem = leaf.pem() + authority.certificate.pem();
  const std::vector<Certificate> chain = Certificate::parse_all(PrivateKey::generate().pem() + pem);
  REQUIRE(chain.size() == 2);
  CHECK(chain[0] == leaf);
  CHECK(chain[1] == authority.certificate);
  for (std::size_t length = 0; length + 2 < pem.size(); ++length) {
    if (length + 1 >= leaf.pem().size() &&
        length < leaf.pem().size() + std::string("-----BEGIN CERTIFICATE-----").size())
      continue;
    CHECK_THROWS_AS(Certificate::parse_all(pem.substr(0, length)), Error);
  }
  for (const char* text : {"", "\n", "hello", "-----BEGIN CERTIFICATE-----\n",
                           "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    CHECK_THROWS_AS(Certificate::parse(text), Error);
    CHECK_THROWS_AS(Certificate::parse_all(text), Error);
  }
}

TEST_CASE("one flipped bit is not the issuer's word any more") {
  const Authority authority("test CA");
  const Certificate leaf = authority.issue_for(PrivateKey::generate(), node("pi-1"));
  const std::string pem = leaf.pem();
  const std::size_t body = pem.find('\n') + 1;
  for (std::size_t at = body; at < pem.find("-----END") - 4; ++at) {
    std::string changed = pem;
    if (changed[at] == '\n') continue;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    std::optional<Certificate> parsed;
    try {
      parsed = Certificate::parse(changed);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kInvalid);
      continue;
    }
    CHECK(why_untrusted(*parsed, authority.certificate, Purpose::kClient, kNow) != std::nullopt);
  }
}

TEST_CASE("a name or an address that cannot stand in a certificate is refused") {
  const Authority authority("test CA");
  const PrivateKey key = PrivateKey::generate();
  const auto server = [&](std::string name, std::vector<std::string> dns,
                          std::vector<std::string> addresses) {
    return authority.issue_for(
        key, {std::move(name), Purpose::kServer, std::move(dns), std::move(addresses), kNow});
  };
  CHECK_THROWS_AS(server("", {}, {}), Error);
  CHECK_THROWS_AS(server(std::string(65, 'a'), {}, {}), Error);
  CHECK_THROWS_AS(server("hub", {"a,DNS:evil"}, {}), Error);
  CHECK_THROWS_AS(server("hub", {""}, {}), Error);
  CHECK_THROWS_AS(server("hub", {}, {"127.0.0"}), Error);
  CHECK_THROWS_AS(authority.issue_for(key, {"pi-1", Purpose::kClient, {}, {}, kNow, "xyz"}), Error);
  CHECK(server(std::string(63, 'a'), {}, {}).common_name() == std::string(63, 'a'));
}

TEST_CASE("a revocation list names the serials and is its authority's") {
  const Authority authority("test CA");
  const std::vector<std::string> serials{"0a1b", "7f00000000000000000000000000ffff", "ff"};
  const std::string list = revocation_list(authority.certificate, authority.key, serials, 7);
  std::vector<std::string> read = revoked_serials(authority.certificate, list);
  std::sort(read.begin(), read.end());
  CHECK(read == serials);
  CHECK(revoked_serials(authority.certificate, revocation_list(authority.certificate, authority.key, {}, 0))
            .empty());
  CHECK_THROWS_AS(revoked_serials(Authority("test CA").certificate, list), Error);
  CHECK_THROWS_AS(revoked_serials(authority.certificate, list.substr(0, list.size() / 2)), Error);
}

TEST_CASE("nobody is asked for a passphrase: what says that it is encrypted does not parse") {
  // Standard input is one that never ends, as under 'docker run -i'.
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const int input = ::dup(STDIN_FILENO);
  ::dup2(ends[0], STDIN_FILENO);
  const auto encrypted = [](const std::string& kind) {
    return "-----BEGIN " + kind + "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC," +
           std::string(32, '0') + "\n\n" + std::string(64, 'A') + "\n-----END " + kind + "-----\n";
  };
  const Authority authority("test CA");
  CHECK_THROWS_AS(Certificate::parse(encrypted("CERTIFICATE")), Error);
  CHECK_THROWS_AS(Certificate::parse_all(encrypted("CERTIFICATE")), Error);
  CHECK_THROWS_AS(Request::parse(encrypted("CERTIFICATE REQUEST")), Error);
  CHECK_THROWS_AS(revoked_serials(authority.certificate, encrypted("X509 CRL")), Error);
  CHECK_THROWS_AS(PrivateKey::parse(encrypted("EC PRIVATE KEY")), Error);
  ::dup2(input, STDIN_FILENO);
  for (const int each : {input, ends[0], ends[1]}) ::close(each);
}

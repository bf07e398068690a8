#include "agent/identity/directory.h"

#include <fstream>

#include <sys/stat.h>

#include "common/envelope.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::agent {
namespace {

namespace fs = std::filesystem;
using std::chrono::sys_seconds;
using tests::ContainsSubstring;

constexpr std::int64_t kIssued = 1'796'000'000;
constexpr std::int64_t kUntil = kIssued + 90 * 86'400;

const EnrolmentToken kToken{std::string(64, 'a'), "id", "Kq3_tellnobody"};

struct Hub {
  x509::PrivateKey key = x509::PrivateKey::generate();
  x509::Certificate ca = x509::self_sign(
      key, {"hub", x509::Purpose::kAuthority, {}, {}, sys_seconds(std::chrono::seconds(kUntil * 2))});

  std::string chain(const x509::PublicKey& node_key, const std::string& node = "pi-1") const {
    return x509::issue(ca, key, node_key,
                       {node, x509::Purpose::kClient, {}, {}, sys_seconds(std::chrono::seconds(kUntil))})
        .pem();
  }
  NewIdentity identity(const x509::PrivateKey& node_key, const std::string& node = "pi-1") const {
    return {{node, "https://hub:7373", "mqtts://hub:8883"},
            {node_key, chain(node_key.public_key(), node), kIssued, kIssued + 3},
            ca.anchor_pem(),
            "hivemind-ed25519 A\n"};
  }
};

struct Node {
  tests::TemporaryDirectory data;
  IdentityDirectory directory{data.path()};
  Hub hub;

  void enrol(const std::string& node = "pi-1") const {
    directory.establish(hub.identity(directory.pending_keys(kToken).key, node));
  }
  // The key is the node's, and its file of before is still there.
  x509::PrivateKey renew_but_for_the_file() const {
    const x509::PrivateKey key = directory.renewal_key();
    const std::string renewal = read_file(directory.path() / "renewal.pem");
    directory.renew({key, hub.chain(key.public_key()), kIssued, kIssued}, "");
    write_file_durably(directory.path() / "renewal.pem", renewal, 0600);
    return key;
  }
};

mode_t mode_of(const fs::path& path) {
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_mode & 07777u;
}

TEST_CASE("an identity is there as a whole, and for nobody else to read") {
  const Node node;
  CHECK_FALSE(node.directory.exists());
  CHECK_THROWS_AS(node.directory.enrolment(), Error);
  node.enrol();
  REQUIRE(node.directory.exists());
  CHECK(node.directory.enrolment() == Enrolment{"pi-1", "https://hub:7373", "mqtts://hub:8883"});
  CHECK(node.directory.credential().life().not_after_s == kUntil);
  CHECK(node.directory.credential().life().issued_at_s == kIssued);
  CHECK(node.directory.credential().life().received_at_s == kIssued + 3);
  CHECK(node.directory.ca() == node.hub.ca);
  CHECK_NOTHROW(OpenKey::load(node.directory.sealing_key_file()));
  CHECK(mode_of(node.directory.path()) == 0700);
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(node.directory.path())) {
    CAPTURE(entry.path());
    CHECK(mode_of(entry.path()) == 0600);
    ++files;
  }
  CHECK(files == 5);
  CHECK_FALSE(fs::exists(node.data / "identity.new"));
}

TEST_CASE("a second try with the same token has the same keys, one with another has others") {
  const Node node;
  const PendingKeys first = node.directory.pending_keys(kToken);
  const PendingKeys second = node.directory.pending_keys(kToken);
  CHECK(first.key.public_key() == second.key.public_key());
  CHECK(first.seal_key == second.seal_key);
  EnrolmentToken other = kToken;
  other.secret = "another";
  CHECK_FALSE(node.directory.pending_keys(other).key.public_key() == first.key.public_key());
}

TEST_CASE("keys of which some are missing were asked for by nobody") {
  for (const char* lost : {"client.key", "sealing.key", "token"}) {
    const Node node;
    const PendingKeys first = node.directory.pending_keys(kToken);
    fs::remove(node.data / "identity.new" / lost);
    CHECK_FALSE(node.directory.pending_keys(kToken).key.public_key() == first.key.public_key());
    CHECK_NOTHROW(node.enrol());
  }
}

TEST_CASE("the token's secret is not kept") {
  const Node node;
  node.directory.pending_keys(kToken);
  for (const auto& entry : fs::directory_iterator(node.data / "identity.new"))
    CHECK(read_file(entry.path()).find(kToken.secret) == std::string::npos);
}

TEST_CASE("an identity takes the place of another one") {
  const Node node;
  node.enrol("pi-1");
  node.enrol("pi-2");
  CHECK(node.directory.enrolment().node == "pi-2");
  CHECK(node.directory.credential().certificate().common_name() == "pi-2");
  CHECK_FALSE(fs::exists(node.data / "identity.new"));
  CHECK_FALSE(fs::exists(node.data / "identity.old"));
}

TEST_CASE("where names cannot be exchanged, what a crash left is put back") {
  const Node node;
  node.enrol();
  fs::rename(node.data / "identity", node.data / "identity.old");
  CHECK(node.directory.exists());
  node.directory.recover();
  CHECK(node.directory.enrolment().node == "pi-1");
  CHECK_FALSE(fs::exists(node.data / "identity.old"));
}

TEST_CASE("a renewal replaces key and certificate, and asks again with the same key until it has") {
  const Node node;
  node.enrol();
  const x509::PrivateKey key = node.directory.renewal_key();
  CHECK(node.directory.renewal_key().public_key() == key.public_key());
  CHECK_FALSE(node.directory.credential().key.public_key() == key.public_key());
  node.directory.recover();  // as after a crash: it is asked again
  CHECK(node.directory.renewal_key().public_key() == key.public_key());
  const Credential next{key, node.hub.chain(key.public_key()), kIssued + 60, kIssued + 61};
  node.directory.renew(next, "");
  CHECK(node.directory.credential().key.public_key() == key.public_key());
  CHECK(node.directory.credential().life().issued_at_s == kIssued + 60);
  CHECK_FALSE(node.directory.renewal_key().public_key() == key.public_key());
}

TEST_CASE("a renewal that was in place when the power went is over") {
  const Node node;
  node.enrol();
  node.renew_but_for_the_file();
  node.directory.recover();
  CHECK_FALSE(fs::exists(node.directory.path() / "renewal.pem"));
}

TEST_CASE("a renewal key that has become the node's is not asked with again, also before the next start") {
  const Node node;
  node.enrol();
  const x509::PrivateKey key = node.renew_but_for_the_file();
  CHECK_FALSE(node.directory.renewal_key().public_key() == key.public_key());
}

TEST_CASE("the keys of the identity before are gone, also when the power went as it was replaced") {
  const Node node;
  node.enrol("pi-1");
  fs::copy(node.directory.path(), node.data / "identity.new");
  node.directory.recover();
  CHECK_FALSE(fs::exists(node.data / "identity.new"));
  const PendingKeys keys = node.directory.pending_keys(kToken);
  node.directory.recover();  // an enrolment under way is none of that
  CHECK(node.directory.pending_keys(kToken).key.public_key() == keys.key.public_key());
}

TEST_CASE("keys that others can read are not used, until a start has taken their rights away") {
  const Node node;
  node.enrol();
  ::chmod(node.directory.client_file().c_str(), 0644);
  CHECK_THROWS_AS(node.directory.credential(), Error);
  node.directory.recover();
  CHECK(mode_of(node.directory.client_file()) == 0600);
  CHECK_NOTHROW(node.directory.credential());
}

TEST_CASE("a damaged renewal key is replaced") {
  const Node node;
  node.enrol();
  write_file_durably(node.directory.path() / "renewal.pem", "-----BEGIN", 0600);
  CHECK_NOTHROW(node.directory.recover());
  CHECK_NOTHROW(node.directory.renewal_key());
  CHECK_NOTHROW(x509::PrivateKey::load(node.directory.path() / "renewal.pem"));
}

TEST_CASE("a damaged identity is told with its file and what to do") {
  const Node node;
  node.enrol();
  const auto refused = [&](const auto& read, const char* file) {
    try {
      read();
      FAIL("was taken");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kCorrupt);
      CHECK_THAT(error.what(), ContainsSubstring(file) && ContainsSubstring("enroll --force"));
    }
  };
  const std::string good = read_file(node.directory.client_file());
  for (const std::string& bad :
       {std::string(), good.substr(0, good.size() / 2), good.substr(good.find('\n') + 1),
        good.substr(0, good.find("-----BEGIN CERT"))}) {
    CAPTURE(bad.size());
    std::ofstream(node.directory.client_file()) << bad;
    refused([&] { node.directory.credential(); }, "client.pem");
  }
  const x509::PrivateKey other = x509::PrivateKey::generate();
  Credential strange = node.hub.identity(other).credential;
  strange.key = x509::PrivateKey::generate();
  std::ofstream(node.directory.client_file()) << strange.text();
  refused([&] { node.directory.credential(); }, "client.pem");
  std::ofstream(node.directory.path() / "node.json") << R"({"node": "../x", "hub": "", "broker": ""})";
  refused([&] { node.directory.enrolment(); }, "node.json");
}

TEST_CASE("a certificate for another key, another node, or from another CA is of no use") {
  const Hub hub;
  const Hub other;
  const x509::PrivateKey key = x509::PrivateKey::generate();
  const std::string chain = hub.chain(key.public_key());
  CHECK(why_unfit(chain, key.public_key(), "pi-1", hub.ca).empty());
  CHECK_FALSE(why_unfit(chain, x509::PrivateKey::generate().public_key(), "pi-1", hub.ca).empty());
  CHECK_FALSE(why_unfit(chain, key.public_key(), "pi-2", hub.ca).empty());
  CHECK_FALSE(why_unfit(chain, key.public_key(), "pi-1", other.ca).empty());
  CHECK_FALSE(why_unfit("", key.public_key(), "pi-1", hub.ca).empty());
}

}  // namespace
}  // namespace hivemind::agent

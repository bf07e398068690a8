#include "hub/trust/authority.h"

#include <sys/stat.h>

#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::hub;
using namespace std::chrono_literals;
using tests::ContainsSubstring;
using x509::Certificate;
using x509::PrivateKey;
using x509::Purpose;
using x509::sys_seconds;

namespace {

constexpr sys_seconds kNow{1'800'000'000s};

mode_t mode_of(const std::filesystem::path& file) {
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

}  // namespace

TEST_CASE("the authority is made once, and its key is private") {
  const tests::TemporaryDirectory directory;
  const Authority made = Authority::load_or_create(directory.path());
  const Authority again = Authority::load_or_create(directory.path());
  CHECK(again.fingerprint() == made.fingerprint());
  CHECK(mode_of(directory.path() / "ca.key") == 0600);
  CHECK(read_file(directory.path() / "ca.pem") == made.anchor_pem());
  CHECK(made.certificate().not_after() == x509::kNever);
}

TEST_CASE("a crash between key and certificate leaves an authority of the same key") {
  const tests::TemporaryDirectory directory;
  const Authority made = Authority::load_or_create(directory.path());
  std::filesystem::remove(directory.path() / "ca.pem");
  const Authority again = Authority::load_or_create(directory.path());
  CHECK(again.certificate().public_key() == made.certificate().public_key());
}

TEST_CASE("files that are not what they should be keep the hub from starting, with what to do") {
  const tests::TemporaryDirectory directory;
  const Authority made = Authority::load_or_create(directory.path());
  const auto load = [&] { return Authority::load_or_create(directory.path()); };
  SECTION("a key that others can read") {
    ::chmod((directory.path() / "ca.key").c_str(), 0644);
    CHECK_THROWS_WITH(load(), ContainsSubstring("chmod 600"));
  }
  SECTION("a certificate of another key") {
    write_file_durably(directory.path() / "ca.key", PrivateKey::generate().pem(), 0600);
    CHECK_THROWS_WITH(load(), ContainsSubstring("belongs to another key"));
  }
  SECTION("a certificate that is no authority's") {
    const PrivateKey key = PrivateKey::load(directory.path() / "ca.key");
    write_file_durably(directory.path() / "ca.pem", made.issue_node(key.public_key(), "pi-1", kNow).pem(),
                       0644);
    CHECK_THROWS_WITH(load(), ContainsSubstring("no certificate of an authority"));
  }
  SECTION("a key that is gone") {
    std::filesystem::remove(directory.path() / "ca.key");
    CHECK_THROWS_WITH(load(), ContainsSubstring("restore"));
    CHECK_FALSE(std::filesystem::exists(directory.path() / "ca.key"));
  }
  SECTION("a key that is damaged") {
    write_file_durably(directory.path() / "ca.key", "nothing", 0600);
    CHECK_THROWS_WITH(load(), ContainsSubstring("ca.key"));
  }
}

TEST_CASE("nodes, servers and the hub's client have certificates of their own kind") {
  const tests::TemporaryDirectory directory;
  const Authority authority = Authority::load_or_create(directory.path());
  const PrivateKey key = PrivateKey::generate();
  const Certificate node = authority.issue_node(key.public_key(), "pi-1", kNow + 1h);
  CHECK(node.common_name() == "pi-1");
  CHECK(node.public_key() == key.public_key());
  CHECK(node.dns_names().empty());
  CHECK(x509::why_untrusted(node, authority.certificate(), Purpose::kClient, kNow) == std::nullopt);

  const KeyPair server = authority.issue_server(server_names({"hub.example", "10.0.0.7"}), kNow + 1h);
  const Certificate servers = Certificate::parse(server.pem());
  CHECK(x509::why_untrusted(servers, authority.certificate(), Purpose::kServer, kNow) == std::nullopt);
  CHECK(PrivateKey::parse(server.pem()).public_key() == servers.public_key());
  CHECK(servers.common_name() == "hivemind-hub");

  const Certificate broker =
      Certificate::parse(authority.issue_broker(server_names({"broker.example"}), kNow + 1h).pem());
  CHECK(x509::why_untrusted(broker, authority.certificate(), Purpose::kServer, kNow) == std::nullopt);
  const std::vector<std::string> names = broker.dns_names();
  CHECK(std::count(names.begin(), names.end(), "broker.example") == 1);
  CHECK(std::count(names.begin(), names.end(), "hivemind-hub") == 0);
  CHECK(broker.common_name() != "hivemind-hub");

  CHECK(Certificate::parse(authority.issue_hub_client(kNow).chain).common_name() == "_hub");
  const Certificate takeover = Certificate::parse(authority.issue_takeover("pi-1", kNow).chain);
  CHECK(takeover.common_name() == "pi-1");
  CHECK(takeover.not_after() == kNow + 5min);
  CHECK_FALSE(takeover.serial() == node.serial());
}

TEST_CASE("a server goes by the hub's name, this machine's, and what it is given, each once") {
  const ServerNames names =
      server_names({"0.0.0.0", "::", "", "10.0.0.7", "::1", "0:0:0::7", "hub.example", "hub.example"});
  CHECK(std::count(names.dns.begin(), names.dns.end(), "hivemind-hub") == 1);
  CHECK(std::count(names.dns.begin(), names.dns.end(), "localhost") == 1);
  CHECK(std::count(names.dns.begin(), names.dns.end(), "hub.example") == 1);
  CHECK(names.addresses == std::vector<std::string>{"10.0.0.7", "127.0.0.1", "::1", "::7"});
  CHECK_THROWS_AS(server_names({"not a host"}), Error);
}

TEST_CASE("a pair is kept until two thirds of its life, its names or its authority change") {
  const tests::TemporaryDirectory directory, other;
  const Authority authority = Authority::load_or_create(directory.path());
  const auto file = directory.path() / "server.pem";
  const ServerNames names = server_names({"hub.example"});
  const KeyPair first = authority.keep_server(file, names, kNow);
  CHECK(mode_of(file) == 0600);
  CHECK(authority.keep_server(file, names, kNow + 24h * 260).pem() == first.pem());
  CHECK(authority.keep_server(file, names, kNow + 24h * 270).pem() != first.pem());
  const KeyPair second = authority.keep_server(file, names, kNow + 24h * 270);
  CHECK(authority.keep_server(file, server_names({"other.example"}), kNow + 24h * 270).pem() != second.pem());
  const KeyPair third = authority.keep_server(file, server_names({"other.example"}), kNow + 24h * 270);
  CHECK(Authority::load_or_create(other.path())
            .keep_server(file, server_names({"other.example"}), kNow + 24h * 270)
            .pem() != third.pem());
  write_file_durably(file, "damaged", 0600);
  CHECK(Certificate::parse(authority.keep_hub_client(file, kNow).chain).common_name() == "_hub");
  CHECK(Certificate::parse(read_file(file)).common_name() == "_hub");
}

TEST_CASE("a pair that ends with its authority is kept, until there is an authority that lasts longer") {
  const tests::TemporaryDirectory directory, theirs;
  const PrivateKey root_key = PrivateKey::generate(), key = PrivateKey::generate();
  const Certificate root = x509::self_sign(root_key, {"company", Purpose::kAuthority, {}, {}, x509::kNever});
  const auto load = [&](sys_seconds end) {
    const Certificate middle =
        x509::issue(root, root_key, key.public_key(), {"fleet", Purpose::kAuthority, {}, {}, end});
    write_file_durably(theirs.path() / "ca.pem", middle.pem() + root.pem(), 0644);
    write_file_durably(theirs.path() / "ca.key", key.pem(), 0600);
    return Authority::load_or_create(directory.path(), {theirs.path() / "ca.pem", theirs.path() / "ca.key"});
  };
  const auto file = directory.path() / "server.pem";
  const ServerNames names = server_names({});
  const sys_seconds end = kNow + 24h * 100;
  const Authority authority = load(end);
  const KeyPair first = authority.keep_server(file, names, kNow);
  CHECK(Certificate::parse(first.chain).not_after() == end);
  for (const sys_seconds later : {kNow + 1min, end - 1min, end + 1min})
    CHECK(authority.keep_server(file, names, later).pem() == first.pem());
  const KeyPair second = load(kNow + 24h * 1000).keep_server(file, names, kNow + 1h);
  CHECK(Certificate::parse(second.chain).not_after() == kNow + 1h + 24h * 397);
}

TEST_CASE("what the system does not show is replaced when it can be made again, and an error otherwise") {
  const tests::TemporaryDirectory directory;
  const Authority authority = Authority::load_or_create(directory.path());
  const auto file = directory.path() / "server.pem";
  std::filesystem::create_symlink("server.pem", file);  // to itself
  const KeyPair pair = authority.keep_server(file, server_names({}), kNow);
  CHECK(read_file(file) == pair.pem());
  std::filesystem::remove(directory.path() / "ca.key");
  std::filesystem::create_symlink("ca.key", directory.path() / "ca.key");
  CHECK_THROWS_AS(Authority::load_or_create(directory.path()), Error);
}

TEST_CASE("an intermediate that is given signs, is what nodes trust, and outlives nothing") {
  const tests::TemporaryDirectory directory, theirs;
  const PrivateKey root_key = PrivateKey::generate(), key = PrivateKey::generate();
  const Certificate root = x509::self_sign(root_key, {"company", Purpose::kAuthority, {}, {}, x509::kNever});
  const Certificate middle =
      x509::issue(root, root_key, key.public_key(), {"fleet", Purpose::kAuthority, {}, {}, kNow + 1h});
  write_file_durably(theirs.path() / "ca.pem", middle.pem() + root.pem(), 0644);
  write_file_durably(theirs.path() / "ca.key", key.pem(), 0600);
  const Authority::Given given{theirs.path() / "ca.pem", theirs.path() / "ca.key"};
  const Authority authority = Authority::load_or_create(directory.path(), given);
  CHECK(authority.fingerprint() == middle.fingerprint());
  CHECK_FALSE(std::filesystem::exists(directory.path() / "ca.key"));
  CHECK(read_file(directory.path() / "ca.pem") == middle.anchor_pem());
  const Certificate node = authority.issue_node(PrivateKey::generate().public_key(), "pi-1", kNow + 24h);
  CHECK(node.not_after() == kNow + 1h);
  CHECK(Certificate::parse_all(authority.chain(node)) == std::vector<Certificate>{node, middle});
  CHECK_THROWS_WITH(Authority::load_or_create(directory.path()), ContainsSubstring("--ca-cert"));
  CHECK_THROWS_WITH(Authority::load_or_create(directory.path(), {given.certificate, {}}),
                    ContainsSubstring("missing"));
}

TEST_CASE("the revocation list is the authority's own") {
  const tests::TemporaryDirectory directory;
  const Authority authority = Authority::load_or_create(directory.path());
  const Certificate node = authority.issue_node(PrivateKey::generate().public_key(), "pi-1", kNow);
  CHECK(x509::revoked_serials(authority.certificate(), authority.revocation_list({node.serial()}, 3)) ==
        std::vector{node.serial()});
}

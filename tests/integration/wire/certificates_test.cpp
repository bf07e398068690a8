// Who is let in, and whom a client takes for the broker.
#include "common/file.h"
#include "tests/integration/wire/trusted_broker.h"
#include "tests/support/catch.h"

namespace hivemind::tests {
namespace {

using namespace std::chrono_literals;

// An authority that nobody here trusts.
struct Stranger {
  TemporaryDirectory directory;
  hub::Authority authority = hub::Authority::load_or_create(directory.path());
};

std::filesystem::path write_pair(const TrustedBroker& broker, const std::string& name,
                                 const hub::KeyPair& pair) {
  const auto file = broker.directory() / name;
  write_file_durably(file, pair.pem(), 0600);
  return file;
}

}  // namespace

TEST_CASE("nobody is let in without a certificate of the fleet's own CA that is good and a client's",
          "[wire]") {
  TrustedBroker broker;
  const Stranger stranger;
  CHECK(broker.raw(broker.make_node("a").file).connect());
  CHECK_FALSE(broker.raw("").connect());
  CHECK_FALSE(broker.raw(broker.make_node(stranger.authority, "a", 24h).file).connect());
  CHECK_FALSE(broker.raw(broker.make_node("a", -1h).file).connect());
  CHECK_FALSE(broker
                  .raw(write_pair(broker, "server",
                                  broker.authority().issue_server(hub::server_names({}), now() + 24h)))
                  .connect());
  // A certificate that a node made of its own: signed by the key of a node's good one.
  const std::string pem = read_file(broker.make_node("a").file);
  const x509::PrivateKey key = x509::PrivateKey::generate();
  const x509::Certificate forged =
      x509::issue(x509::Certificate::parse(pem), x509::PrivateKey::parse(pem), key.public_key(),
                  {"_hub", x509::Purpose::kClient, {}, {}, now() + 24h});
  CHECK_FALSE(broker.raw(write_pair(broker, "forged", {key.pem(), forged.pem() + pem})).connect());
  // With the certificate of one and the key of another there is no handshake.
  CHECK(broker.raw(broker.make_node("a").file).connect());
}

TEST_CASE("of a CA above the fleet's own nobody is let in who is not of the fleet", "[wire]") {
  // Our authority as an intermediate of a company's, which makes certificates for others, too.
  const TemporaryDirectory company;
  const x509::PrivateKey root_key = x509::PrivateKey::generate();
  const x509::Certificate root =
      x509::self_sign(root_key, {"company", x509::Purpose::kAuthority, {}, {}, now() + 48h});
  const x509::PrivateKey key = x509::PrivateKey::generate();
  const x509::Certificate ours = x509::issue(root, root_key, key.public_key(),
                                             {"fleet", x509::Purpose::kAuthority, {}, {}, now() + 48h});
  write_file_durably(company / "key", key.pem(), 0600);
  write_file_durably(company / "pem", ours.pem() + root.pem(), 0600);
  TrustedBroker broker({company / "pem", company / "key"});
  CHECK(broker.raw(broker.make_node("a").file).connect());
  const x509::PrivateKey other = x509::PrivateKey::generate();
  const x509::Certificate employee =
      x509::issue(root, root_key, other.public_key(), {"_hub", x509::Purpose::kClient, {}, {}, now() + 24h});
  CHECK_FALSE(
      broker.raw(write_pair(broker, "employee", {other.pem(), employee.pem() + root.pem()})).connect());
}

TEST_CASE("the broker takes a renewed certificate of its own without losing a connection", "[wire]") {
  TrustedBroker broker;
  RawClient client = broker.raw(broker.make_node("a").file);
  REQUIRE(client.connect());
  const auto server_file = broker.credentials().broker_files().server;
  const auto before = x509::Certificate::parse(read_file(server_file));
  CHECK_FALSE(broker.credentials().renew(now()).server);
  // Two thirds of its life later.
  const auto later = now() + std::chrono::days(300);
  const auto renewed = broker.credentials().renew(later);
  CHECK(renewed.server);
  CHECK(renewed.client);
  const auto after = x509::Certificate::parse(read_file(server_file));
  CHECK_FALSE(before == after);
  broker.broker().reload();
  const auto served = [&] {
    const Outcome outcome =
        run({"openssl", "s_client", "-connect", "127.0.0.1:" + std::to_string(broker.port()), "-CAfile",
             broker.credentials().ca_file()});
    return x509::Certificate::parse(outcome.output);
  };
  CHECK(broker.until([&] { return served() == after; }));
  CHECK(client.ping());
  // The hub comes in with its new one.
  CHECK(broker.raw(broker.credentials().client_file()).connect());
}

TEST_CASE("files of the broker are for its user alone", "[wire]") {
  TrustedBroker broker;
  const auto files = broker.credentials().broker_files();
  for (const auto& file :
       {files.ca, files.server, files.revocations, files.acl, broker.credentials().client_file()}) {
    CAPTURE(file);
    CHECK((std::filesystem::status(file).permissions() & std::filesystem::perms(077)) ==
          std::filesystem::perms::none);
  }
}

TEST_CASE("what anonymous clients left at a broker without TLS is not there with TLS", "[wire]") {
  TrustedBroker broker;
  write_file_durably(broker.directory() / "broker" / "mosquitto.db", "left", 0600);
  broker.restart();
  CHECK_FALSE(std::filesystem::exists(broker.directory() / "broker" / "mosquitto.db"));
}

}  // namespace hivemind::tests

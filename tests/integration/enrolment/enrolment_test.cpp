// Enrolment over the API of a real hub in a process of its own, with tokens that the command line makes.
#include <cstdlib>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "common/digest.h"
#include "common/file.h"
#include "common/mqtt/link.h"
#include "common/sealing.h"
#include "common/topics.h"
#include "common/x509/x509.h"
#include "hivemind/v1/report.pb.h"
#include "tests/support/catch.h"
#include "tests/support/fleet.h"

using namespace hivemind;
using namespace std::chrono_literals;
using nlohmann::json;
using tests::ContainsSubstring;
using x509::Certificate;
using x509::PrivateKey;
using x509::Request;

namespace {

// No agent runs here, so no engine is asked for anything.
struct NoEngine {
  NoEngine() { ::setenv("DOCKER_HOST", "unix:///nonexistent", 0); }
};

class Hub : NoEngine {
 public:
  Hub() {
    fleet.repository().write("stacks.yml",
                             "stacks:\n  - {name: vault, compose_file: web.yml, nodes: {role: vault}}\n");
    fleet.repository().write("web.yml", "services:\n  app: {image: x}\n");
    fleet.repository().commit();
  }
  void start(std::vector<std::string> flags = {}) {
    tests::Fleet::HubOptions options;
    options.flags = std::move(flags);
    options.is_secure = true;  // no machine becomes a node of any other
    fleet.start_hub(options);
  }

  // Who has no token of the API's.
  tests::BlockingHttp stranger() const {
    return tests::BlockingHttp(fleet.hub_url(), {},
                               {http::Trust::kGiven, read_file(fleet.hub_data() / "ca.pem"), "hivemind-hub"});
  }

  // The credential in the one line that the command line prints.
  std::string token(std::vector<std::string> flags = {}) const {
    std::vector<std::string> arguments{"node", "token", "create"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return credential_of(line(arguments));
  }
  std::string line(const std::vector<std::string>& arguments) const {
    const tests::Outcome outcome = fleet.cli(arguments);
    INFO(outcome.errors);
    REQUIRE(outcome.exit_code == 0);
    return outcome.output;
  }
  // "hivemind-agent enroll --hub URL --token hm1.FINGERPRINT.CREDENTIAL\n"
  static std::string credential_of(const std::string& line) {
    REQUIRE(std::count(line.begin(), line.end(), '\n') == 1);
    REQUIRE_THAT(line, ContainsSubstring("hivemind-agent enroll --hub https://"));
    const std::size_t at = line.find("hm1.") + 4;
    return line.substr(at + 44, line.size() - at - 45);
  }

  static json question(const std::string& credential, const PrivateKey& key, const std::string& name) {
    return {{"token", credential},
            {"csr", Request::make(key, "").pem()},
            {"sealing_key", OpenKey::generate().seal_key().text()},
            {"facts",
             {{"arch", "arm64"},
              {"os", "linux"},
              {"kernel", "6.1"},
              {"hostname", name},
              {"agent_version", "0.1.0"}}}};
  }
  http::Response ask(const std::string& target, const json& body) const {
    return stranger().send("POST", target, body.dump());
  }
  json enrol(const std::string& credential, const PrivateKey& key, const std::string& name) const {
    const http::Response response = ask("/api/v1/enroll", question(credential, key, name));
    INFO(response.body);
    REQUIRE(response.status == 200);
    return json::parse(response.body);
  }
  http::Response renew(const std::string& certificate, const PrivateKey& old_key,
                       const PrivateKey& new_key) const {
    const std::string csr = Request::make(new_key, "").pem();
    const std::string signature = old_key.sign(std::string("hivemind/v1\0renew\0", 18) + csr);
    return ask("/api/v1/renew",
               {{"certificate", certificate}, {"csr", csr}, {"signature", to_base64(signature)}});
  }
  json node(const std::string& id) const { return fleet.api().get("/api/v1/nodes/" + id); }

  tests::Fleet fleet;
};

// Files of a client that speaks TLS; none: plain.
struct ClientFiles {
  std::string ca, client;
};

void report(int port, const std::string& node, const std::map<std::string, std::string>& labels,
            const ClientFiles& files = {}) {
  v1::Report message;
  message.set_node(node);
  for (const auto& [key, value] : labels) (*message.mutable_labels())[key] = value;
  boost::asio::io_context loop{1};
  const auto work = boost::asio::make_work_guard(loop);  // the link's own threads have their say later
  mqtt::LinkOptions options;
  options.url = (files.client.empty() ? "mqtt://127.0.0.1:" : "mqtts://127.0.0.1:") + std::to_string(port);
  options.client_id = node;
  options.ca_file = files.ca;
  options.client_file = files.client;
  bool sent = false;
  std::unique_ptr<mqtt::Link> link;
  link = std::make_unique<mqtt::Link>(
      loop.get_executor(), options, std::vector<std::string>{topics::acks(node)},
      mqtt::Link::Callbacks{[&] {
                              link->publish(topics::report(node), message.SerializeAsString(), true,
                                            [&] { sent = true; });
                            },
                            [](const std::string&) {}, [](const mqtt::Message&) {}});
  link->start();
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!sent && std::chrono::steady_clock::now() < deadline) loop.run_for(10ms);
  REQUIRE(sent);
  link->stop();
  loop.run_for(50ms);
}

}  // namespace

TEST_CASE_METHOD(Hub, "a machine becomes a node with what the line says, and knows whom it talks to") {
  start({"--advertise", "hub.example"});
  const std::string line_text = line({"node", "token", "create", "--label", "site=berlin", "--id", "pi-7"});
  CHECK_THAT(line_text, ContainsSubstring("--hub https://hub.example:"));
  const json ca = json::parse(stranger().send("GET", "/api/v1/ca").body);
  const Certificate authority = Certificate::parse(ca.at("ca").get<std::string>());
  CHECK(ca.at("fingerprint") == authority.fingerprint());
  std::string letters = to_base64(authority.fingerprint_bytes());
  letters.pop_back();
  std::replace(letters.begin(), letters.end(), '+', '-');
  std::replace(letters.begin(), letters.end(), '/', '_');
  CHECK_THAT(line_text, ContainsSubstring(" hm1." + letters + "."));
  CHECK_THAT(line({"trust", "ca"}), ContainsSubstring(authority.fingerprint()));
  CHECK(Certificate::parse(line({"trust", "ca", "--pem"})) == authority);

  const PrivateKey key = PrivateKey::generate();
  const json answer = enrol(credential_of(line_text), key, "whatever");
  CHECK(answer.at("node") == "pi-7");
  CHECK_THAT(answer.at("broker").get<std::string>(),
             ContainsSubstring("://hub.example:" + std::to_string(fleet.broker_port())));
  CHECK(answer.at("signing_key") == read_file(fleet.hub_data() / "hub.pub"));
  const Certificate certificate = Certificate::parse(answer.at("certificate").get<std::string>());
  CHECK(certificate.is_issued_by(authority));
  CHECK(certificate.public_key() == key.public_key());
  CHECK(node("pi-7").at("membership") == "enrolled");
  CHECK(node("pi-7").at("labels") == json{{"site", "berlin"}});
  CHECK_THAT(line({"node", "show", "pi-7"}), ContainsSubstring("enrolled, certificate until"));
}

TEST_CASE_METHOD(Hub, "tokens that are used up, revoked, expired or guessed are refused with one answer") {
  start();
  const PrivateKey key = PrivateKey::generate();
  const std::string once = token(), revoked = token(), brief = token({"--ttl", "1s"});
  enrol(once, PrivateKey::generate(), "first");
  line({"node", "token", "revoke", revoked.substr(0, revoked.find('.'))});
  std::this_thread::sleep_for(1100ms);
  std::set<std::string> bodies;
  for (const std::string& bad : {once, revoked, brief, std::string("0123456789.AAAAAAAAAAAAAAAAAAAAAA"),
                                 once.substr(0, once.find('.')) + ".AAAAAAAAAAAAAAAAAAAAAA"}) {
    const http::Response response = ask("/api/v1/enroll", question(bad, key, "pi-7"));
    CHECK(response.status == 401);
    bodies.insert(response.body);
  }
  CHECK(bodies.size() == 1);
  const std::string listed = line({"node", "token", "ls"});
  for (const char* state : {"used_up", "revoked", "expired"}) CHECK_THAT(listed, ContainsSubstring(state));
  CHECK(listed.find(once.substr(once.find('.') + 1)) == std::string::npos);
  CHECK(fleet.api().get("/api/v1/nodes").at("nodes").size() == 1);
}

TEST_CASE_METHOD(Hub, "only an admin decides who is a node") {
  start();
  const tests::BlockingHttp stranger = this->stranger();
  for (const char* target : {"/api/v1/enrolment/tokens", "/api/v1/enrolment/waiting"})
    CHECK(stranger.send("GET", target).status == 401);
  for (const char* target :
       {"/api/v1/enrolment/tokens", "/api/v1/enrolment/tokens/x/revoke",
        "/api/v1/enrolment/waiting/x/approve", "/api/v1/enrolment/waiting/x/reject",
        "/api/v1/nodes/pi-7/revoke", "/api/v1/nodes/pi-7/replace", "/api/v1/nodes/pi-7/labels"})
    CHECK(stranger.send("POST", target, "{}").status == 401);
  CHECK(fleet.cli({"node", "revoke", "pi-7"}).exit_code != 0);
}

TEST_CASE_METHOD(Hub, "a machine that waits is let in by the command line, and one that is rejected is not") {
  start();
  const std::string guarded = token({"--approve", "--uses", "5"});
  const PrivateKey key = PrivateKey::generate(), other = PrivateKey::generate();
  const http::Response waiting = ask("/api/v1/enroll", question(guarded, key, "pi-7"));
  CHECK(waiting.status == 202);
  CHECK(json::parse(waiting.body).at("state") == "waiting");
  CHECK(json::parse(waiting.body).at("retry_after_s") == 5);
  CHECK(ask("/api/v1/enroll", question(guarded, other, "pi-8")).status == 202);
  CHECK_THAT(line({"node", "waiting"}), ContainsSubstring("pi-7, arm64, linux"));
  CHECK_THAT(line({"node", "waiting"}), ContainsSubstring("127.0.0.1"));
  CHECK_THAT(line({"node", "approve", "pi-7", "--id", "kiosk"}), ContainsSubstring("becomes node 'kiosk'"));
  const std::string request =
      json::parse(ask("/api/v1/enroll", question(guarded, other, "pi-8")).body).at("request");
  line({"node", "reject", "pi-8"});
  CHECK(enrol(guarded, key, "pi-7").at("node") == "kiosk");
  for (int i = 0; i < 2; ++i) {
    const http::Response turned_away = ask("/api/v1/enroll", question(guarded, other, "pi-8"));
    CHECK(turned_away.status == 403);
    CHECK(json::parse(turned_away.body).at("error").at("message") ==
          "turned away by an operator, as request '" + request + "' ('hivemind node approve " + request +
              "' lets it in after all)");
    fleet.kill_hub();
    start();
  }
  CHECK(json::parse(line({"--output", "json", "node", "waiting"})).at("waiting").empty());
  line({"node", "approve", request});
  CHECK(enrol(guarded, other, "pi-8").at("node") == "pi-8");
}

TEST_CASE_METHOD(Hub, "the audit log says which token let a machine in, and never a token's secret") {
  start();
  const std::string first = token();
  enrol(first, PrivateKey::generate(), "pi-7");
  const std::string second = credential_of(line({"node", "replace", "pi-7"}));
  enrol(second, PrivateKey::generate(), "spare");
  const std::string third = token();
  const std::string id = third.substr(0, third.find('.')), secret = third.substr(third.find('.') + 1);
  const std::string whole = "hm1." + std::string(43, 'A') + "." + third;
  CHECK(json::parse(line({"--output", "json", "node", "token", "revoke", whole})).at("id") == id);
  const tests::Outcome again = fleet.cli({"node", "token", "revoke", whole});
  CHECK(again.exit_code != 0);
  CHECK_THAT(again.errors, ContainsSubstring("there is no enrolment token '" + id + "' that is not revoked"));
  CHECK(again.errors.find(secret) == std::string::npos);
  // A secret may begin with '-', which an option does.
  CHECK(fleet.cli({"node", "token", "revoke", "--", secret}).errors.find(secret) == std::string::npos);

  const std::string log = line({"--output", "json", "audit", "ls"});
  CHECK(log.find(secret) == std::string::npos);
  std::vector<json> enrolments, revocations;
  const json entries = json::parse(log).at("entries");
  for (const json& entry : entries) {
    if (entry.at("action") == "node.enroll") enrolments.push_back(entry);
    if (entry.at("action") == "enrolment.token.revoke") revocations.push_back(entry);
  }
  INFO(log);
  REQUIRE(enrolments.size() == 2);
  CHECK(enrolments[0].at("before").is_null());
  CHECK(enrolments[0].at("after").at("token") == first.substr(0, first.find('.')));
  CHECK(enrolments[1].at("before") == enrolments[0].at("after"));
  CHECK(enrolments[1].at("after").at("token") == second.substr(0, second.find('.')));
  REQUIRE(revocations.size() == 3);
  CHECK(revocations[0].at("asked") == json{{"token", id}});
  CHECK(revocations[2].at("asked") == json{{"token", ""}});
}

TEST_CASE_METHOD(Hub, "a hub that is killed behind an answer gives the same one again") {
  start();
  const std::string once = token();
  const PrivateKey key = PrivateKey::generate(), next = PrivateKey::generate();
  const json first = enrol(once, key, "pi-7");
  fleet.kill_hub();
  start();
  const json again = enrol(once, key, "pi-7");
  CHECK(again.at("certificate") == first.at("certificate"));
  const std::string certificate = first.at("certificate");
  const http::Response renewed = renew(certificate, key, next);
  REQUIRE(renewed.status == 200);
  fleet.kill_hub();
  start();
  CHECK(renew(certificate, key, next).body == renewed.body);
}

TEST_CASE_METHOD(
    Hub,
    "certificates are renewed within grace, not after, and not for who was revoked or is somebody else") {
  const std::vector<std::string> three_seconds{"--node-certificate-days", "0.00004"};
  const auto with_grace = [&](const std::string& days) {
    std::vector<std::string> flags = three_seconds;
    flags.insert(flags.end(), {"--renewal-grace-days", days});
    return flags;
  };
  start(with_grace("1"));
  const PrivateKey key = PrivateKey::generate(), second = PrivateKey::generate();
  const std::string certificate = enrol(token(), key, "pi-7").at("certificate");
  const std::string late = enrol(token(), key, "pi-8").at("certificate");
  std::this_thread::sleep_for(4s);
  const http::Response renewed = renew(certificate, key, second);
  INFO(renewed.body);
  REQUIRE(renewed.status == 200);
  const std::string newest = json::parse(renewed.body).at("certificate");
  CHECK(renew(newest, key, PrivateKey::generate()).status == 401);  // not the key of that certificate
  const PrivateKey forger = PrivateKey::generate();
  const Certificate forged_ca =
      x509::self_sign(forger, {"hivemind CA", x509::Purpose::kAuthority, {}, {}, x509::kNever});
  const Certificate forged = x509::issue(forged_ca, forger, forger.public_key(),
                                         {"pi-7", x509::Purpose::kClient, {}, {}, x509::kNever});
  CHECK(renew(forged.pem(), forger, PrivateKey::generate()).status == 401);
  line({"node", "revoke", "pi-7"});
  const http::Response refused = renew(newest, second, PrivateKey::generate());
  CHECK(refused.status == 401);
  CHECK_THAT(refused.body, ContainsSubstring("is revoked"));
  fleet.stop_hub();
  start(with_grace("0.000012"));  // a second
  const http::Response past = renew(late, key, PrivateKey::generate());
  CHECK(past.status == 401);
  CHECK_THAT(past.body, ContainsSubstring("has expired"));
}

TEST_CASE_METHOD(Hub, "a node cannot give itself a label, and so not a stack") {
  start();
  const PrivateKey key = PrivateKey::generate();
  const std::string certificate = enrol(token({"--label", "role=kiosk"}), key, "pi-7").at("certificate");
  const std::string client = fleet.directory() / "pi-7.pem";
  write_file_durably(client, key.pem() + certificate, 0600);
  CHECK(node("pi-7").at("seen_at") == "");
  report(fleet.broker_port(), "pi-7", {{"role", "vault"}}, {fleet.hub_data() / "ca.pem", client});
  REQUIRE(tests::wait_until([&] { return node("pi-7").at("seen_at") != ""; }, 20s));
  CHECK(node("pi-7").at("labels") == json{{"role", "kiosk"}});
  CHECK(node("pi-7").at("desired_stacks").empty());
  CHECK(line({"node", "label", "pi-7", "role=vault", "site=berlin"}) == "pi-7: role=vault site=berlin\n");
  REQUIRE(tests::wait_until([&] { return !node("pi-7").at("desired_stacks").empty(); }, 20s));
  CHECK(line({"node", "label", "pi-7", "role-"}) == "pi-7: site=berlin\n");
  REQUIRE(tests::wait_until([&] { return node("pi-7").at("desired_stacks").empty(); }, 20s));
}

TEST_CASE_METHOD(Hub, "a revoked node has no manifest, new hardware in its place has, and counts on") {
  start();
  enrol(token({"--label", "role=vault"}), PrivateKey::generate(), "pi-7");
  REQUIRE(tests::wait_until([&] { return !node("pi-7").at("desired_stacks").empty(); }, 20s));
  const int generation = node("pi-7").at("desired").at("generation");
  line({"node", "revoke", "pi-7"});
  CHECK(node("pi-7").at("membership") == "revoked");
  CHECK_FALSE(node("pi-7").at("online").get<bool>());
  CHECK(node("pi-7").at("desired_stacks").empty());
  fleet.kill_hub();
  start();
  line({"sync"});
  CHECK(node("pi-7").at("desired_stacks").empty());
  const PrivateKey key = PrivateKey::generate();
  const std::string certificate =
      enrol(credential_of(line({"node", "replace", "pi-7"})), key, "spare").at("certificate");
  REQUIRE(tests::wait_until([&] { return !node("pi-7").at("desired_stacks").empty(); }, 20s));
  CHECK(node("pi-7").at("membership") == "enrolled");
  CHECK(node("pi-7").at("desired").at("generation") > generation);
  const std::string client = fleet.directory() / "spare.pem";
  write_file_durably(client, key.pem() + certificate, 0600);
  const auto retained = [&] {
    return tests::run({"mosquitto_sub", "-h", "127.0.0.1", "-p", std::to_string(fleet.broker_port()), "-t",
                       "hivemind/v1/nodes/pi-7/manifest", "-W", "1", "-F", "%l", "--cafile",
                       (fleet.hub_data() / "ca.pem").string(), "--cert", client, "--key", client})
        .output;
  };
  CHECK(tests::wait_until([&] { return !retained().empty(); }, 20s));
}

TEST_CASE_METHOD(Hub, "five hundred machines come with one token, one after the other, in seconds") {
  start();
  const std::string bulk = token({"--uses", "500"});
  std::vector<json> questions;
  for (int i = 0; i < 500; ++i) questions.push_back(question(bulk, PrivateKey::generate(), "raspberrypi"));
  const auto begun = std::chrono::steady_clock::now();
  std::set<std::string> nodes;
  for (const json& each : questions) {
    const http::Response response = ask("/api/v1/enroll", each);
    REQUIRE(response.status == 200);
    nodes.insert(json::parse(response.body).at("node").get<std::string>());
  }
  const auto took = std::chrono::steady_clock::now() - begun;
  WARN("500 enrolments took " << std::chrono::duration_cast<std::chrono::milliseconds>(took).count()
                              << " ms");
  CHECK(nodes.size() == 500);
  CHECK(nodes.contains("raspberrypi"));
  CHECK(took < 120s);  // seconds, where nothing else runs
  CHECK(ask("/api/v1/enroll", question(bulk, PrivateKey::generate(), "one-more")).status == 401);
}

TEST_CASE_METHOD(
    Hub, "a hub restored from a backup takes the renewal of what it has issued since, and no labels") {
  start();
  const PrivateKey key = PrivateKey::generate(), second = PrivateKey::generate(),
                   late_key = PrivateKey::generate();
  const std::string certificate = enrol(token(), key, "pi-7").at("certificate");
  fleet.stop_hub();
  const auto backup = fleet.directory() / "backup";
  std::filesystem::copy(fleet.hub_data(), backup, std::filesystem::copy_options::recursive);
  start();
  const std::string renewed = json::parse(renew(certificate, key, second).body).at("certificate");
  const std::string late = enrol(token(), late_key, "late").at("certificate");
  fleet.stop_hub();
  std::filesystem::remove_all(fleet.hub_data());
  std::filesystem::copy(backup, fleet.hub_data(), std::filesystem::copy_options::recursive);
  start();
  CHECK(renew(renewed, second, PrivateKey::generate()).status == 200);
  const http::Response unknown = renew(late, late_key, PrivateKey::generate());
  CHECK(unknown.status == 401);
  CHECK_THAT(unknown.body, ContainsSubstring("restored from a backup"));

  // The broker lets it in, since it has a certificate that nobody has revoked; what it says of itself counts
  // for nothing.
  const std::string client = fleet.directory() / "late.pem";
  write_file_durably(client, late_key.pem() + late, 0600);
  report(fleet.broker_port(), "late", {{"role", "vault"}}, {fleet.hub_data() / "ca.pem", client});
  const auto is_told = [&] {
    return read_file(fleet.directory() / "hub.log").find("a report of 'late' is not taken") !=
           std::string::npos;
  };
  CHECK(tests::wait_until(is_told, 20s));
  line({"sync"});
  const json nodes = fleet.api().get("/api/v1/nodes").at("nodes");
  for (const json& each : nodes) CHECK((each.at("id") != "late" || each.at("labels").empty()));
}

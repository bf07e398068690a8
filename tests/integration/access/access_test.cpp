#include <algorithm>
#include <csignal>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/file.h"
#include "common/x509/x509.h"
#include "tests/support/catch.h"
#include "tests/support/git_repository.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace std::chrono_literals;
using nlohmann::json;
using tests::ContainsSubstring;

namespace {

// A hub whose API speaks TLS, and people who use it.
class Fixture {
 public:
  Fixture() {
    repository.write("stacks.yml", "stacks: []\n");
    repository.commit();
    start();
    // The hub writes down that it has published the first commit: behind that, rows are of who asks here.
    REQUIRE(tests::wait_until([&] { return has_applied(); }, 20s));
  }

  void start(std::vector<std::string> flags = {"--tls", "on"}) {
    std::vector<std::string> command{HUB_PROGRAM,         "--git-url",       repository.url(),
                                     "--data-dir",        data.string(),     "--listen",
                                     "127.0.0.1:" + port, "--broker-listen", "127.0.0.1:" + broker_port};
    command.insert(command.end(), flags.begin(), flags.end());
    hub.emplace(command, tests::Process::Options{directory / "hub.log", {}});
    const bool is_up = tests::wait_until([&] { return as("admin", {"status"}).exit_code <= 1; }, 20s);
    INFO(log());
    REQUIRE(is_up);
  }
  bool has_applied() {
    const json status = json::parse(as("admin", {"--output", "json", "status"}).output, nullptr, false);
    return status.is_object() && status.contains("desired") && status["desired"]["state"] == "applied";
  }
  void stop() {
    hub->signal(SIGTERM);
    REQUIRE(hub->wait(20s).has_value());
  }

  tests::Outcome as(const std::string& name, std::vector<std::string> arguments,
                    const std::string& scheme = "https") {
    const auto token = name == "admin" ? data / "admin.token" : directory / (name + ".token");
    std::vector<std::string> command{CLI_PROGRAM, "--hub", scheme + "://127.0.0.1:" + port, "--token-file",
                                     token.string()};
    if (name != "admin" && scheme == "https") {
      command.push_back("--ca");
      command.push_back((data / "ca.pem").string());
    }
    command.insert(command.end(), arguments.begin(), arguments.end());
    return tests::run(command);
  }

  // What 'token create' prints is a token file.
  std::string make_token(const std::string& name, std::vector<std::string> flags) {
    std::vector<std::string> arguments{"token", "create", name};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const tests::Outcome made = as("admin", arguments);
    INFO(made.errors);
    REQUIRE(made.exit_code == 0);
    write_file_durably(directory / (name + ".token"), made.output, 0600);
    return made.output.substr(0, made.output.find('\n'));
  }

  std::string log() const { return read_file(directory / "hub.log"); }

  tests::TemporaryDirectory directory;
  std::filesystem::path data = directory / "data";
  tests::GitRepository repository{directory / "repository"};
  std::string port = std::to_string(tests::free_port());
  std::string broker_port = std::to_string(tests::free_port());
  std::optional<tests::Process> hub;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "who may what, until the token is revoked, and all of it is written down") {
  const std::string viewer = make_token("vera", {"--role", "viewer"});
  const std::string worker = make_token("otto", {"--role", "operator"});
  make_token("brief", {"--role", "viewer", "--ttl", "2s"});
  CHECK(as("vera", {"node", "ls"}).exit_code == 0);
  const tests::Outcome refused = as("vera", {"sync"});
  CHECK(refused.exit_code != 0);
  CHECK_THAT(refused.errors,
             ContainsSubstring("token 'vera' has the role 'viewer', and this needs 'operator'"));
  CHECK(as("otto", {"sync"}).exit_code == 0);
  CHECK_THAT(as("otto", {"token", "ls"}).errors, ContainsSubstring("this needs 'admin'"));
  CHECK_THAT(as("otto", {"audit", "ls"}).errors, ContainsSubstring("this needs 'admin'"));
  CHECK(as("admin", {"token", "revoke", "otto"}).exit_code == 0);
  CHECK_THAT(as("otto", {"node", "ls"}).errors, ContainsSubstring("refused the token"));
  CHECK(tests::wait_until([&] { return as("brief", {"node", "ls"}).exit_code != 0; }, 10s));
  const std::string tokens = as("admin", {"token", "ls"}).output;
  CHECK_THAT(tokens, ContainsSubstring("vera"));
  CHECK_THAT(tokens, ContainsSubstring("revoked"));
  CHECK_THAT(tokens, ContainsSubstring("expired"));

  const json entries = json::parse(as("admin", {"--output", "json", "audit", "ls"}).output)["entries"];
  std::string told;
  for (const json& entry : entries) {
    told += entry["who"].get<std::string>() + " " + entry["action"].get<std::string>() + " " +
            entry["outcome"].get<std::string>() + "\n";
    if (entry["who"] != "hub") CHECK(entry["address"] == "127.0.0.1");
  }
  CHECK_THAT(
      told, ContainsSubstring("admin token.create done\nadmin token.create done\nadmin token.create done\n"));
  CHECK_THAT(told, ContainsSubstring("otto sync done\nadmin token.revoke done\n"));
  CHECK(entries.back()["before"]["name"] == "otto");
  CHECK(entries.back()["after"].is_null());

  // No secret is anywhere but in the file that it was printed to.
  for (const std::string& token : {viewer, worker}) {
    const std::string secret = token.substr(token.rfind('.') + 1);
    CHECK(log().find(secret) == std::string::npos);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(data)) {
      if (entry.is_regular_file()) CHECK(read_file(entry.path()).find(secret) == std::string::npos);
    }
  }
}

TEST_CASE_METHOD(
    Fixture, "what somebody tries who may not is written down, once however often, and no secret with it") {
  const std::string token = make_token("vera", {"--role", "viewer"});
  for (int i = 0; i < 20; ++i) CHECK(as("vera", {"trust", "rotate"}).exit_code != 0);
  CHECK(as("vera", {"sync"}).exit_code != 0);
  CHECK(as("vera", {"secret", "rm", "x", "--stack", "web", "--force"}).exit_code != 0);
  CHECK(as("admin", {"secret", "rm", "x", "--stack", "web", "--force"}).exit_code != 0);
  const std::string secret = token.substr(token.rfind('.') + 1);
  const tests::Outcome wrong = as("admin", {"token", "revoke", "--", secret});  // it may begin with '-'
  CHECK(wrong.exit_code != 0);
  CHECK(wrong.errors.find(secret) == std::string::npos);
  CHECK(as("admin", {"token", "revoke", token}).exit_code == 0);
  const std::string log = as("admin", {"--output", "json", "audit", "ls"}).output;
  CHECK(log.find(secret) == std::string::npos);
  std::string told;
  const json entries = json::parse(log)["entries"];
  for (const json& entry : entries) {
    if (entry["who"] == "hub") continue;
    told += fmt::format("{} {} {} {}\n", entry["who"].get<std::string>(), entry["action"].get<std::string>(),
                        entry["asked"].dump(), entry["outcome"].get<std::string>());
  }
  const std::string id = token.substr(5, token.rfind('.') - 5);
  CHECK_THAT(told,
             ContainsSubstring(
                 "vera trust.rotate {} refused\n"
                 "vera sync {} refused\n"
                 "vera secret.rm {\"force\":\"true\",\"scope\":\"stack:web\",\"secret\":\"x\"} refused\n"
                 "admin secret.rm {\"force\":\"true\",\"scope\":\"stack:web\",\"secret\":\"x\"} refused\n"
                 "admin token.revoke {\"token\":\"\"} refused\n"
                 "admin token.revoke {\"token\":\"" +
                 id + "\"} done\n"));
}

TEST_CASE_METHOD(Fixture,
                 "who has a part of the fleet and tries the whole has one row for it, not one each time") {
  make_token("otto", {"--role", "operator", "--stacks", "web"});
  for (int i = 0; i < 5; ++i)
    CHECK_THAT(as("otto", {"sync"}).errors, ContainsSubstring("concerns all of it"));
  const json entries = json::parse(as("admin", {"--output", "json", "audit", "ls"}).output)["entries"];
  const auto rows = std::ranges::count_if(entries, [](const json& entry) { return entry["who"] == "otto"; });
  CHECK(rows == 1);
}

TEST_CASE_METHOD(Fixture, "who ends his own token is told that it was done") {
  make_token("ada", {"--role", "admin"});
  const tests::Outcome done = as("ada", {"token", "revoke", "ada"});
  INFO(done.errors);
  CHECK(done.exit_code == 0);
  CHECK(as("ada", {"node", "ls"}).exit_code != 0);
}

TEST_CASE_METHOD(Fixture, "a secret that is a word of the hub's own spoils no key and no token") {
  write_file_durably(directory / "word", "hivemind", 0600);
  REQUIRE(as("admin", {"secret", "set", "word", "--file", directory / "word"}).exit_code == 0);
  CHECK_THAT(as("admin", {"secret", "key"}).output, ContainsSubstring("hivemind-x25519"));
  CHECK_THAT(as("admin", {"trust", "ca", "--pem"}).output, ContainsSubstring("-----BEGIN"));
  make_token("vera", {"--role", "viewer"});
  CHECK(as("vera", {"node", "ls"}).exit_code == 0);
}

TEST_CASE_METHOD(Fixture,
                 "an audit log that was tampered with does not pass, and its head stands in the hub's log") {
  make_token("vera", {"--role", "viewer"});
  make_token("otto", {"--role", "operator"});
  const json whole = json::parse(as("admin", {"--output", "json", "audit", "verify"}).output);
  CHECK(whole["whole"] == true);
  const auto head = whole["head"].get<std::string>();
  CHECK_THAT(log(), ContainsSubstring("head " + head));
  CHECK(as("admin", {"audit", "verify", "--head", head}).exit_code == 0);
  // As somebody does who can write the file: the triggers are no obstacle.
  const auto tamper = [&](const std::string& statement) {
    const tests::Outcome done =
        tests::run({"python3", "-c",
                    "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], timeout=10)\n"
                    "c.execute('DROP TRIGGER IF EXISTS audit_is_not_edited')\nc.execute('DROP TRIGGER IF "
                    "EXISTS audit_is_not_cut')\n"
                    "c.execute(sys.argv[2])\nc.commit()\n",
                    (data / "hub.db").string(), statement});
    INFO(done.errors);
    REQUIRE(done.exit_code == 0);
  };
  stop();
  tamper("DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)");
  start();
  CHECK(as("admin", {"audit", "verify"}).exit_code == 0);  // the log alone cannot know
  const tests::Outcome cut = as("admin", {"audit", "verify", "--head", head});
  CHECK(cut.exit_code == 1);
  CHECK_THAT(cut.output, ContainsSubstring("the noted head is not in the audit log"));
  tamper("UPDATE audit SET entry = replace(entry, 'vera', 'vega')");
  const tests::Outcome edited = as("admin", {"audit", "verify"});
  CHECK(edited.exit_code == 1);
  CHECK_THAT(edited.output, ContainsSubstring("the audit log is not whole: row "));
}

TEST_CASE_METHOD(Fixture, "the command line finds the hub's CA beside the token, and trusts nobody else") {
  CHECK(as("admin", {"node", "ls"}).exit_code == 0);
  make_token("vera", {"--role", "viewer"});
  const std::vector<std::string> base{CLI_PROGRAM, "--hub", "https://127.0.0.1:" + port, "--token-file",
                                      (directory / "vera.token").string()};
  const auto with = [&](std::vector<std::string> more) {
    std::vector<std::string> command = base;
    command.insert(command.end(), more.begin(), more.end());
    return tests::run(command);
  };
  CHECK_THAT(with({"node", "ls"}).errors, ContainsSubstring("an authority that is not trusted here"));
  CHECK_THAT(with({"node", "ls"}).errors, ContainsSubstring("--ca FILE"));
  CHECK(with({"--ca", (data / "ca.pem").string(), "node", "ls"}).exit_code == 0);
  const x509::PrivateKey key = x509::PrivateKey::generate();
  const auto other = x509::self_sign(key, {"other", x509::Purpose::kAuthority, {}, {}, x509::kNever});
  write_file_durably(directory / "other.pem", other.pem(), 0644);
  CHECK_THAT(with({"--ca", (directory / "other.pem").string(), "node", "ls"}).errors,
             ContainsSubstring("not trusted"));
  CHECK_THAT(as("admin", {"node", "ls"}, "http").errors, ContainsSubstring("this port speaks TLS only"));
}

TEST_CASE_METHOD(
    Fixture, "a certificate of the operator's own is shown, and a newer one without a restart of the hub") {
  stop();
  const x509::PrivateKey key = x509::PrivateKey::generate();
  const auto issue = [&](const std::string& name) {
    return x509::self_sign(key, {name, x509::Purpose::kServer, {name}, {"127.0.0.1"}, x509::kNever}).pem();
  };
  write_file_durably(directory / "own.key", key.pem(), 0600);
  write_file_durably(directory / "own.pem", issue("hub.example.org"), 0644);
  start({"--tls", "on", "--tls-cert", (directory / "own.pem").string(), "--tls-key",
         (directory / "own.key").string()});
  CHECK(as("admin", {"node", "ls"}).exit_code == 0);  // asks for 'hivemind-hub': the CA's certificate
  make_token("vera", {"--role", "viewer"});
  const tests::Outcome own = tests::run({CLI_PROGRAM, "--hub", "https://127.0.0.1:" + port, "--token-file",
                                         (directory / "vera.token").string(), "--ca",
                                         (directory / "own.pem").string(), "node", "ls"});
  INFO(own.errors);
  CHECK(own.exit_code == 0);
}

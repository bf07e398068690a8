// The commands that ask a hub, against a server with a script.
#include <fstream>
#include <sstream>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <fmt/format.h>

#include "hub/cli/run.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/http/scripted_server.h"

using namespace hivemind::hub::cli;
using hivemind::tests::ContainsSubstring;
using hivemind::tests::Reply;

namespace {

Reply reply(int status, const std::string& body) {
  return {{"HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body}};
}

const std::string kApplied =
    R"({"revision": "0123456789abcdef0123456789abcdef01234567", "state": "applied", "diagnostics": [], "published": ["a"]})";
const std::string kConverged = R"({"converged": true, "failed": [], "waiting": [], "offline": []})";
const std::string kWaiting =
    R"({"converged": false, "failed": [], "waiting": [{"node": "a", "reason": "pulling", "text": "x:1"}], "offline": []})";

// Runs one command against the script, on a thread for the server and this one for the command.
class Session {
 public:
  explicit Session(std::vector<Reply> script, const std::string& token = "secret")
      : server_(loop_, directory_ / "hub.sock", std::move(script)), work_(loop_.get_executor()) {
    std::ofstream(directory_ / "token") << token << "\n";
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Session() { end(); }

  ExitCode run(std::vector<std::string> args) {
    args.insert(args.begin(), {"--hub", "unix://" + (directory_ / "hub.sock").string(), "--token-file",
                               (directory_ / "token").string()});
    const ExitCode code = hivemind::hub::cli::run(std::move(args), Console{out_, err_});
    end();
    return code;
  }
  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }
  const std::vector<std::string>& requests() const { return server_.requests(); }

 private:
  void end() {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
  }

  hivemind::tests::TemporaryDirectory directory_;
  boost::asio::io_context loop_;
  hivemind::tests::ScriptedServer server_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
  std::ostringstream out_;
  std::ostringstream err_;
};

}  // namespace

TEST_CASE("a question carries the token, and its JSON answer is printed as it is") {
  Session session({Reply::ok(R"({"nodes": []})")});
  CHECK(session.run({"node", "ls", "--output", "json"}) == ExitCode::kOk);
  CHECK(session.out() == "{\n  \"nodes\": []\n}\n");
  REQUIRE(session.requests().size() == 1);
  CHECK_THAT(session.requests()[0],
             ContainsSubstring("GET /api/v1/nodes ") && ContainsSubstring("Bearer secret\r\n"));
}

TEST_CASE("failures of the hub end with their exit code and a message") {
  SECTION("not found") {
    Session session({reply(404, R"({"error": {"code": "not_found", "message": "there is no node 'x'"}})")});
    CHECK(session.run({"node", "show", "x"}) == ExitCode::kNotFound);
    CHECK(session.err() == "error: there is no node 'x'\n");
  }
  SECTION("refused") {
    Session session({reply(401, R"({"error": {"code": "denied", "message": "no"}})")});
    CHECK(session.run({"status"}) == ExitCode::kDenied);
    CHECK_THAT(session.err(),
               ContainsSubstring("refused the token of '") && ContainsSubstring("--token-file"));
  }
  SECTION("too many wrong tokens before") {
    Session session({reply(429, R"({"error": {"code": "denied", "message": "too many, wait 9 s"}})")});
    CHECK(session.run({"status"}) == ExitCode::kDenied);
    CHECK(session.err() == "error: too many, wait 9 s\n");
  }
  SECTION("too much at once") {
    Session session({reply(429, R"({"error": {"code": "exhausted", "message": "wait for some"}})")});
    CHECK(session.run({"status"}) == ExitCode::kBad);
  }
  SECTION("a hub that is there and cannot do it now") {
    for (const char* code : {"exhausted", "unavailable"}) {
      Session session(
          {reply(503, fmt::format(R"({{"error": {{"code": "{}", "message": "disk is full"}}}})", code))});
      CHECK(session.run({"retry", "pi-1"}) == ExitCode::kBad);
      CHECK(session.err() == "error: disk is full\n");
    }
  }
  SECTION("a request that is too large") {
    Session session({reply(413, R"({"error": {"code": "invalid", "message": "the body is too large"}})")});
    CHECK(session.run({"sync"}) == ExitCode::kUsage);
  }
  SECTION("no hub of ours") {
    Session session({Reply::ok("<html>")});
    CHECK(session.run({"status"}) == ExitCode::kUnreachable);
    CHECK_THAT(session.err(), ContainsSubstring("not as a HiveMind hub does"));
  }
  SECTION("a token that would break the header") {
    Session session({}, "a b");
    CHECK(session.run({"status"}) == ExitCode::kDenied);
  }
}

TEST_CASE("nobody there, and no token file, are told apart") {
  std::ostringstream out, err;
  hivemind::tests::TemporaryDirectory directory;
  std::ofstream(directory / "token") << "secret";
  const std::string url = "unix://" + (directory / "none.sock").string();
  CHECK(run({"--hub", url, "--token-file", directory / "token", "status"}, Console{out, err}) ==
        ExitCode::kUnreachable);
  CHECK_THAT(err.str(), ContainsSubstring("does it run?"));
  CHECK(run({"--hub", url, "--token-file", directory / "absent", "status"}, Console{out, err}) ==
        ExitCode::kDenied);
  CHECK_THAT(err.str(), ContainsSubstring("/absent'") && ContainsSubstring("HIVEMIND_TOKEN_FILE"));
}

TEST_CASE("sync waits until the nodes have converged, and says what it waits for") {
  Session session({Reply::ok(kApplied), Reply::ok(kWaiting), Reply::ok(kWaiting), Reply::ok(kConverged),
                   Reply::ok(R"({"nodes": {"online": 1}})")});
  CHECK(session.run({"sync", "--wait"}) == ExitCode::kOk);
  CHECK(session.err() == "waiting for 1 node: a (pulling: x:1)\n");  // once, as nothing changed
  CHECK_THAT(session.out(), ContainsSubstring("0123456789ab: 1 online node converged in "));
}

TEST_CASE("a hub that cannot answer now is asked again while nodes are waited for") {
  Session session({Reply::ok(kApplied),
                   reply(503, R"({"error": {"code": "exhausted", "message": "the disk is full"}})"),
                   Reply::ok(kConverged), Reply::ok(R"({"nodes": {"online": 1}})")});
  CHECK(session.run({"sync", "--wait"}) == ExitCode::kOk);
  CHECK(session.err() == "waiting for the hub: the disk is full\n");
}

TEST_CASE("sync ends badly when a node failed, the commit has errors, or the time is up") {
  SECTION("a node failed") {
    Session session(
        {Reply::ok(kApplied),
         Reply::ok(R"({"converged": false, "failed": [{"node": "a", "reason": "exited", "text": ""}]})")});
    CHECK(session.run({"sync", "--wait"}) == ExitCode::kBad);
    CHECK_THAT(session.out(), ContainsSubstring("failed   a  exited"));
  }
  SECTION("one stack of the commit has errors, the others converged") {
    Session session(
        {Reply::ok(
             R"({"state": "applied", "diagnostics": [{"severity": "error", "text": "f:1:1: error: bad"}]})"),
         Reply::ok(kConverged), Reply::ok(R"({"nodes": {"online": 1}})")});
    CHECK(session.run({"sync", "--wait"}) == ExitCode::kBad);
    CHECK_THAT(session.out(), ContainsSubstring("f:1:1: error: bad"));
    CHECK_THAT(session.out(),
               ContainsSubstring("the commit has errors (see above); apart from that: 1 online "
                                 "node converged in "));
  }
  SECTION("two stacks do not compile, with three diagnostics") {
    Session session({Reply::ok(R"({"state": "applied", "diagnostics": [
                       {"severity": "error", "stack": "web", "text": "a"},
                       {"severity": "error", "stack": "web", "text": "b"},
                       {"severity": "warning", "stack": "db", "text": "c"},
                       {"severity": "error", "stack": "till", "text": "d"}]})"),
                     Reply::ok(kConverged), Reply::ok(R"({"nodes": {"online": 3}})")});
    CHECK(session.run({"sync", "--wait"}) == ExitCode::kBad);
    CHECK_THAT(session.out(), ContainsSubstring("2 stacks do not compile (see above); apart from that: 3 "
                                                "online nodes converged in "));
  }
  SECTION("a broken commit is not waited for") {
    Session session({Reply::ok(R"({"state": "invalid", "diagnostics": []})")});
    CHECK(session.run({"sync", "--wait"}) == ExitCode::kBad);
    CHECK(session.requests().size() == 1);
  }
  SECTION("the time is up") {
    Session session({Reply::ok(kApplied), {{}, Reply::Then::kHang}});
    // The server never answers: the client gives up with the deadline, and so does the waiting.
    CHECK(session.run({"sync", "--wait", "--timeout", "300ms", "--output", "json"}) == ExitCode::kTimeout);
  }
}

TEST_CASE("sync confirms an empty fleet only when told to") {
  Session session({Reply::ok(kApplied)});
  session.run({"sync", "--confirm-empty"});
  CHECK_THAT(session.requests().at(0), ContainsSubstring(R"({"confirm_empty":true})"));
  Session plain({Reply::ok(kApplied)});
  plain.run({"sync"});
  CHECK_THAT(plain.requests().at(0), !ContainsSubstring("confirm_empty"));
  CHECK_THAT(plain.requests().at(0), !ContainsSubstring("refresh_pins"));
  Session pins({Reply::ok(kApplied)});
  pins.run({"sync", "--refresh-pins"});
  CHECK_THAT(pins.requests().at(0), ContainsSubstring(R"({"refresh_pins":true})"));
}

TEST_CASE("events are asked for by node and stack, and their absence is told") {
  Session session({Reply::ok(R"({"events": [], "last": 0})")});
  CHECK(session.run({"events", "--node", "pi-1", "--stack", "web", "--limit", "7"}) == ExitCode::kOk);
  CHECK_THAT(session.requests().at(0), ContainsSubstring("/api/v1/events?limit=7&node=pi-1&stack=web "));
  CHECK_THAT(session.out(), ContainsSubstring("no events yet"));
}

TEST_CASE("status tells by its exit code whether somebody is needed") {
  Session session(
      {Reply::ok(R"({"broker": {"connected": true}, "git": {"state": "failed", "error": "no route"}})"),
       Reply::ok(R"({"nodes": []})")});
  CHECK(session.run({"status"}) == ExitCode::kBad);
  CHECK_THAT(session.out(), ContainsSubstring("fetch failed: no route"));
}

TEST_CASE("why exits with 0 on the revision, and with 1 when the node is not there") {
  SECTION("there") {
    Session session({Reply::ok(R"({"node": "pi-1", "on_revision": true, "revision": "r3", "causes": []})")});
    CHECK(session.run({"why", "pi-1"}) == ExitCode::kOk);
    CHECK(session.out() == "pi-1 is on r3\n");
    CHECK_THAT(session.requests()[0], ContainsSubstring("GET /api/v1/nodes/pi-1/why "));
  }
  SECTION("not there") {
    Session session({Reply::ok(R"({"node": "pi-1", "stack": "web", "on_revision": false, "revision": "r3",
        "text": "offline", "causes": [{"reason": "offline", "text": "offline"}]})")});
    CHECK(session.run({"why", "pi-1", "web"}) == ExitCode::kBad);
    CHECK(session.out() == "stack 'web' of pi-1 is not on r3: offline\n");
    CHECK_THAT(session.requests()[0], ContainsSubstring("/why?stack=web "));
  }
}

TEST_CASE("retry, apply and purge ask the node and print its reply") {
  SECTION("retry") {
    Session session({Reply::ok(R"({"node": "pi-1", "stack": "web", "text": "stack 'web' is tried again"})")});
    CHECK(session.run({"retry", "pi-1", "web"}) == ExitCode::kOk);
    CHECK(session.out() == "pi-1: stack 'web' is tried again\n");
    CHECK_THAT(session.requests()[0], ContainsSubstring("POST /api/v1/nodes/pi-1/retry ") &&
                                          ContainsSubstring(R"({"stack":"web"})"));
  }
  SECTION("apply") {
    Session session({Reply::ok(R"({"node": "pi-1", "stack": "", "text": "nothing waits"})")});
    CHECK(session.run({"apply", "--now", "pi-1"}) == ExitCode::kOk);
    CHECK_THAT(session.requests()[0], ContainsSubstring("POST /api/v1/nodes/pi-1/apply "));
  }
  SECTION("purge as it was shown, which has changed") {
    Session session({Reply::ok(R"({"node": "pi-1", "stack": "old", "state": "changed", "text": "changed",
        "confirm": "ab", "volumes": ["v"]})")});
    CHECK(session.run({"stack", "purge", "pi-1", "old", "--yes", "0f"}) == ExitCode::kBad);
    CHECK_THAT(session.requests()[0], ContainsSubstring("/purge ") && ContainsSubstring(R"("confirm":"0f")"));
    CHECK_THAT(session.out(), ContainsSubstring("--yes ab"));
  }
  SECTION("apply without --now is no command") {
    std::ostringstream out, err;
    CHECK(run({"apply", "pi-1"}, Console{out, err}) == ExitCode::kUsage);
  }
}

TEST_CASE(
    "a token is asked for with its role, scope and life, and printed so that the output is a token file") {
  const char* made =
      R"({"token": "hmo1.0a.5e", "name": "anna", "role": "operator", "expires_at": "2026-02-01T00:00:00.000Z",
      "scope": {"nodes": "site=berlin", "stacks": ["web", "till"]}})";
  Session session({Reply::ok(made)});
  CHECK(session.run({"token", "create", "anna", "--role", "operator", "--nodes", "site=berlin", "--stacks",
                     "web,till", "--ttl", "30d"}) == ExitCode::kOk);
  CHECK_THAT(session.requests()[0],
             ContainsSubstring("POST /api/v1/access/tokens ") && ContainsSubstring(R"("ttl_s":2592000)") &&
                 ContainsSubstring(R"({"nodes":"site=berlin","stacks":["web","till"]})"));
  CHECK(session.out().starts_with(
      "hmo1.0a.5e\n# operator 'anna' (nodes site=berlin, stacks web,till), good until 2026-02-01;"));
  Session endless({Reply::ok(made)});
  endless.run({"token", "create", "anna", "--role", "viewer", "--ttl", "never"});
  CHECK_THAT(endless.requests()[0], !ContainsSubstring("ttl_s") && !ContainsSubstring("scope"));
}

TEST_CASE("the audit log is shown with what was asked, how it ended and what changed") {
  Session session({Reply::ok(
      R"({"entries": [{"id": 7, "at": "2026-01-31T12:00:00.123Z", "who": "anna", "address": "192.0.2.7",
      "action": "sync", "asked": {"confirm_empty": true}, "outcome": "done", "text": "", "before": {"revision": "a"},
      "after": {"revision": "b"}}]})")});
  CHECK(session.run({"audit", "ls", "--limit", "5", "--since", "2d", "--who", "anna"}) == ExitCode::kOk);
  CHECK_THAT(session.requests()[0], ContainsSubstring("/api/v1/audit?limit=5&within=172800&who=anna "));
  for (const char* word : {"anna", "192.0.2.7", "sync", "done", "confirm_empty=true", "revision=a"}) {
    CHECK_THAT(session.out(), ContainsSubstring(word));
  }
}

TEST_CASE("verifying the audit log ends with 1 when it is not whole") {
  Session whole({Reply::ok(R"({"whole": true, "wrong": "", "rows": 4, "id": 4, "head": "5e"})")});
  CHECK(whole.run({"audit", "verify"}) == ExitCode::kOk);
  CHECK(whole.out() == "the audit log is whole: 4 rows\nhead: row 4, 5e\n");
  Session wrong(
      {Reply::ok(R"({"whole": false, "wrong": "row 3 is missing", "rows": 2, "id": 2, "head": "5e"})")});
  CHECK(wrong.run({"audit", "verify"}) == ExitCode::kBad);
  CHECK(wrong.out() == "the audit log is not whole: row 3 is missing\n");
  Session cut(
      {Reply::ok(R"({"whole": false, "wrong": "", "rows": 2, "id": 2, "head": "5e", "has_head": false})")});
  CHECK(cut.run({"audit", "verify", "--head", "77"}) == ExitCode::kBad);
  CHECK_THAT(cut.requests()[0], ContainsSubstring("/api/v1/audit/verify?head=77 "));
  CHECK_THAT(cut.out(), ContainsSubstring("the noted head is not in the audit log"));
}

TEST_CASE("a token or a script that names a hub on loopback is printed with a word about it") {
  const auto words = [](const std::string& hub, std::vector<std::string> args) {
    Session session({Reply::ok(fmt::format(R"({{"hub": "{}", "text": "hm1.a.b.c", "token": {{}}}})", hub))});
    CHECK(session.run(std::move(args)) == ExitCode::kOk);
    CHECK_THAT(session.out(), ContainsSubstring("hm1.a.b.c") && !ContainsSubstring("listens"));
    return session.err();
  };
  const std::vector<std::string> create{"node", "token", "create"};
  const std::vector<std::string> bootstrap{"node", "bootstrap", "--pi", "--package", "https://x/a"};
  for (const auto& args : {create, bootstrap}) {
    CHECK_THAT(words("https://127.0.0.1:7373", args), ContainsSubstring("listens on this machine only"));
    CHECK_THAT(words("https://localhost:7373", args), ContainsSubstring("listens on this machine only"));
    CHECK(words("https://hub.example.org:7373", args).empty());
  }
}

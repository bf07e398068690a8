#include "common/defaults.h"
#include "hub/cli/invocation.h"
#include "tests/support/catch.h"

using namespace hivemind::hub::cli;
using namespace std::chrono_literals;
using hivemind::tests::ContainsSubstring;

namespace {

Invocation parsed(std::vector<std::string> args) {
  return std::get<Invocation>(parse_command_line(std::move(args)));
}
Answered answered(std::vector<std::string> args) {
  return std::get<Answered>(parse_command_line(std::move(args)));
}

}  // namespace

TEST_CASE("without flags the hub of this machine is asked") {
  const Invocation status = parsed({"status"});
  CHECK(std::holds_alternative<StatusCommand>(status.command));
  CHECK(status.hub_url == hivemind::defaults::kHubUrl);
  CHECK(status.token_file == "/var/lib/hivemind/hub/admin.token");
  CHECK(status.output == Output::kTable);
}

TEST_CASE("global flags stand before and behind the command") {
  CHECK(parsed({"--output", "json", "node", "ls"}).output == Output::kJson);
  const Invocation behind = parsed({"node", "show", "pi-1", "--output=json", "--hub", "http://h:1"});
  CHECK(behind.output == Output::kJson);
  CHECK(behind.hub_url == "http://h:1");
  CHECK(std::get<NodeShowCommand>(behind.command).node == "pi-1");
}

TEST_CASE("tokens and the audit log have commands of their own") {
  const auto access = [](std::vector<std::string> args) {
    return std::get<AccessCommand>(parsed(std::move(args)).command);
  };
  CHECK(std::get<TokenCreateCommand>(access({"token", "create", "anna", "--role", "viewer"})).life ==
        std::chrono::hours(24 * 90));
  CHECK_FALSE(
      std::get<TokenCreateCommand>(access({"token", "create", "anna", "--role", "admin", "--ttl", "never"}))
          .life);
  CHECK(std::get<TokenRevokeCommand>(access({"token", "revoke", "anna"})).token == "anna");
  CHECK(std::get<AuditVerifyCommand>(access({"audit", "verify", "--head", "5e"})).head == "5e");
  CHECK(parsed({"--ca", "a.pem", "token", "ls"}).ca_file == "a.pem");
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"token", "create", "anna"},
        {"token", "create", "anna", "--role", "root"},
        {"token", "create", "anna", "--role", "viewer", "--ttl", "soon"},
        {"audit", "ls", "--limit", "0"},
        {"audit", "ls", "--since", "x"}}) {
    CHECK(answered(wrong).code == ExitCode::kUsage);
  }
}

TEST_CASE("sync takes its flags") {
  const auto sync =
      std::get<SyncCommand>(parsed({"sync", "--wait", "--timeout", "90s", "--confirm-empty"}).command);
  CHECK(sync.waiting == Waiting::kYes);
  CHECK(sync.timeout == 90s);
  CHECK(sync.empty_fleet == EmptyFleet::kConfirmed);
  CHECK(sync.pinned_images == PinnedImages::kKept);
  CHECK(std::get<SyncCommand>(parsed({"sync"}).command).timeout == 5min);
  CHECK(std::get<SyncCommand>(parsed({"sync", "--refresh-pins"}).command).pinned_images ==
        PinnedImages::kRefreshed);
}

TEST_CASE("trust has three commands") {
  CHECK(std::holds_alternative<TrustShowCommand>(parsed({"trust", "show"}).command));
  CHECK(std::holds_alternative<TrustRotateCommand>(parsed({"trust", "rotate"}).command));
  CHECK(std::holds_alternative<TrustResumeCommand>(parsed({"trust", "resume"}).command));
}

TEST_CASE("render takes labels as they come, with '=' and nothing in their values") {
  const auto render = std::get<RenderCommand>(parsed({"render", "--label", "site=berlin", "dir", "--node",
                                                      "pi-1", "--label", "q=a=b", "--label", "e="})
                                                  .command);
  CHECK(render.directory == "dir");
  CHECK(render.node == "pi-1");
  CHECK(render.labels ==
        std::vector<std::pair<std::string, std::string>>{{"site", "berlin"}, {"q", "a=b"}, {"e", ""}});
}

TEST_CASE("a wrong command line is answered with code 2 and the reason") {
  const std::vector<std::vector<std::string>> wrong{
      {},
      {"frobnicate"},
      {"node"},
      {"node", "show"},
      {"node", "show", "Pi_1"},
      {"node", "show", "../nodes"},
      {"sync", "--timeout", "soon"},
      {"events", "--limit", "0"},
      {"events", "--limit", "many"},
      {"render", "dir"},
      {"render", "dir", "--node", "x", "--label", "novalue"},
      {"render", "dir", "--node", "x", "--label", "a=b", "--label", "a=c"},
      {"status", "--output", "xml"},
      {"status", "extra"},
      {"stack", "show", "../../etc"}};
  for (const auto& args : wrong) {
    const Answered answer = answered(args);
    CHECK(answer.code == ExitCode::kUsage);
    CHECK_FALSE(answer.text.empty());
  }
  CHECK_THAT(answered({"node", "show", "Pi_1"}).text, ContainsSubstring("'Pi_1' is no node id"));
}

TEST_CASE("help and version are answered with code 0") {
  CHECK(answered({"--version"}).code == ExitCode::kOk);
  CHECK_THAT(answered({"--version"}).text, ContainsSubstring("hivemind 0."));
  CHECK_THAT(answered({"--help"}).text,
             ContainsSubstring("Exit codes:") && ContainsSubstring("HIVEMIND_HUB"));
  CHECK_THAT(answered({"sync", "--help"}).text, ContainsSubstring("--confirm-empty"));
}

TEST_CASE("help names an argument once, and the global flags of each command") {
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"secret", "set", "--help"}, {"token", "create", "--help"}}) {
    const std::string text = answered(args).text;
    CHECK_THAT(text, ContainsSubstring("NAME REQUIRED") && !ContainsSubstring("NAME NAME"));
    CHECK_THAT(text, ContainsSubstring("--hub, --token-file, --ca and --output"));
  }
  CHECK_THAT(answered({"registry", "logout", "--help"}).text, !ContainsSubstring("HOST HOST"));
  CHECK_THAT(answered({"token", "revoke", "--help"}).text, !ContainsSubstring("TOKEN TOKEN"));
  CHECK_THAT(answered({"node", "token", "revoke", "--help"}).text, !ContainsSubstring("TOKEN TOKEN"));
}

TEST_CASE("a time that is too long is told its limit") {
  CHECK_THAT(answered({"sync", "--timeout", "1000h"}).text, ContainsSubstring("up to 31 days"));
  CHECK_THAT(answered({"token", "create", "anna", "--role", "viewer", "--ttl", "1000000d"}).text,
             ContainsSubstring("'1000000d' is no time up to 3653 days"));
  CHECK_THAT(answered({"audit", "ls", "--since", "1000000d"}).text, ContainsSubstring("up to 3653 days"));
}

TEST_CASE("the reference has every command and every exit code") {
  const std::string reference = reference_markdown();
  for (const char* command : {"status", "node ls", "node show", "stack ls", "stack show", "stack purge",
                              "sync", "why", "retry", "apply", "events", "lint", "render"}) {
    CHECK_THAT(reference, ContainsSubstring(std::string("### `hivemind ") + command + "`"));
  }
  for (const ExitCode code : kExitCodes)
    CHECK_THAT(reference, ContainsSubstring(std::string(describe(code))));
}

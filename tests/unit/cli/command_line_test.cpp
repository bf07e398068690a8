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
  const std::vector<std::vector<std::string>> wrong{{},
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

TEST_CASE("the reference has every command and every exit code") {
  const std::string reference = reference_markdown();
  for (const char* command : {"status", "node ls", "node show", "stack ls", "stack show", "stack purge",
                              "sync", "why", "retry", "apply", "events", "lint", "render"}) {
    CHECK_THAT(reference, ContainsSubstring(std::string("### `hivemind ") + command + "`"));
  }
  for (const ExitCode code : kExitCodes)
    CHECK_THAT(reference, ContainsSubstring(std::string(describe(code))));
}

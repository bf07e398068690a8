#include "hub/cli/invocation.h"
#include "hub/cli/views.h"
#include "tests/support/catch.h"

using namespace hivemind::hub::cli;
using namespace std::chrono_literals;
using hivemind::tests::ContainsSubstring;

namespace {

template <typename Wanted>
Wanted parsed(std::vector<std::string> args) {
  const auto result = parse_command_line(std::move(args));
  if (const auto* answered = std::get_if<Answered>(&result)) FAIL(answered->text);
  return std::get<Wanted>(std::get<EnrolmentCommand>(std::get<Invocation>(result).command));
}

std::string refusal(std::vector<std::string> args) {
  const auto result = parse_command_line(std::move(args));
  const auto* answered = std::get_if<Answered>(&result);
  return answered == nullptr || answered->code != ExitCode::kUsage ? "taken" : answered->text;
}

const Screen kScreen{200, Colour::kOff, std::chrono::sys_days(std::chrono::year(2026) / 11 / 29)};

}  // namespace

TEST_CASE("a token is for one machine and an hour, unless it is said otherwise") {
  const EnrolmentWish plain = parsed<NodeTokenCreateCommand>({"node", "token", "create"}).wish;
  CHECK(plain.ttl == 1h);
  CHECK(plain.uses == 1);
  CHECK(plain.node.empty());
  CHECK_FALSE(plain.needs_approval);
  const EnrolmentWish wish =
      parsed<NodeTokenCreateCommand>({"node", "token", "create", "--ttl", "2h", "--uses", "500", "--label",
                                      "site=berlin", "--label", "role=a=b", "--approve"})
          .wish;
  CHECK(wish.ttl == 2h);
  CHECK(wish.uses == 500);
  CHECK(wish.labels == std::map<std::string, std::string>{{"role", "a=b"}, {"site", "berlin"}});
  CHECK(wish.needs_approval);
  CHECK(parsed<NodeTokenCreateCommand>({"node", "token", "create", "--id", "pi-7"}).wish.node == "pi-7");
  CHECK(parsed<NodeTokenCreateCommand>({"node", "token", "create", "--ttl", "7d"}).wish.ttl == 7 * 24h);
}

TEST_CASE("labels are set with '=', and taken away with '-' behind them") {
  const auto command = parsed<NodeLabelCommand>({"node", "label", "pi-7", "site=berlin", "role-", "x=a-"});
  CHECK(command.node == "pi-7");
  CHECK(command.set == std::map<std::string, std::string>{{"site", "berlin"}, {"x", "a-"}});
  CHECK(command.remove == std::vector<std::string>{"role"});
}

TEST_CASE("what cannot be meant is refused before the hub is asked") {
  CHECK_THAT(refusal({"node", "token", "create", "--uses", "0"}), !ContainsSubstring("taken"));
  CHECK_THAT(refusal({"node", "token", "create", "--ttl", "soon"}), ContainsSubstring("'soon' is no time"));
  for (const char* too_long : {"1000000d", "367d"}) {
    CHECK_THAT(refusal({"node", "token", "create", "--ttl", too_long}),
               ContainsSubstring("is no time up to 366 days"));
  }
  CHECK_THAT(refusal({"node", "token", "create", "--label", "site=berlin", "--label", "site=bonn"}),
             ContainsSubstring("label 'site' is given twice, as 'site=berlin' and as 'site=bonn'"));
  CHECK_THAT(
      refusal({"node", "bootstrap", "--pi", "--package", "https://x/a", "--label", "a=b", "--label", "a=b"}),
      ContainsSubstring("given twice"));
  CHECK_THAT(refusal({"node", "label", "pi-7", "site=berlin", "site-"}), ContainsSubstring("given twice"));
  CHECK_THAT(refusal({"node", "token", "create", "--label", "berlin"}),
             ContainsSubstring("'berlin' is no label"));
  CHECK_THAT(refusal({"node", "token", "create", "--id", "_hub"}), ContainsSubstring("no node id"));
  CHECK_THAT(refusal({"node", "label", "pi-7", "site"}), ContainsSubstring("neither a label to set"));
  CHECK_THAT(refusal({"node", "label", "pi-7"}), !ContainsSubstring("taken"));
  CHECK_THAT(refusal({"node", "bootstrap", "--pi"}), ContainsSubstring("--package"));
  for (const char* package : {"https://x/$(reboot)", "http://x/a"})
    CHECK_THAT(refusal({"node", "bootstrap", "--package", package}), ContainsSubstring("no URL"));
  CHECK_THAT(refusal({"node", "bootstrap", "--pi", "--cloud-init", "--package", "https://x/a"}),
             !ContainsSubstring("taken"));
}

TEST_CASE("user-data is for cloud-init, or for a Raspberry Pi") {
  using Form = NodeBootstrapCommand::Form;
  CHECK(parsed<NodeBootstrapCommand>(
            {"node", "bootstrap", "--cloud-init", "--package", "https://x/a_{arch}.deb"})
            .form == Form::kCloudInit);
  CHECK(parsed<NodeBootstrapCommand>({"node", "bootstrap", "--pi", "--package", "https://x/a"}).form ==
        Form::kPi);
}

TEST_CASE("a token is shown as the one line to run on the machine") {
  CHECK(enrolment_line({{"hub", "https://hub:7373"}, {"text", "hm1.a.b.c"}}) ==
        "hivemind-agent enroll --hub https://hub:7373 --token hm1.a.b.c\n");
}

TEST_CASE("tokens and machines that wait are listed with what an operator has to know") {
  const Json token = {{"id", "t1"},
                      {"state", "good"},
                      {"labels", {{"site", "berlin"}}},
                      {"node", "pi-7"},
                      {"replaces", true},
                      {"approve", true},
                      {"uses", 1},
                      {"used", 0},
                      {"created_by", "ada"},
                      {"expires_at", "2026-11-29T01:00:00.000Z"}};
  const std::string tokens = enrolment_tokens_view({{"tokens", Json::array({token})}}, kScreen);
  for (const char* part :
       {"t1", "good", "0/1", "in 1h", "new hardware for pi-7, after approval", "site=berlin", "ada"})
    CHECK_THAT(tokens, ContainsSubstring(part));
  // On a narrow screen, too: whose place it is for is what it cannot do without.
  CHECK_THAT(enrolment_tokens_view({{"tokens", Json::array({token})}}, {70, Colour::kOff, kScreen.now}),
             ContainsSubstring("pi-7"));
  CHECK_THAT(enrolment_tokens_view(Json::object(), kScreen), ContainsSubstring("hivemind node token create"));
  const Json machine = {{"request", "0a1b"},
                        {"node", "pi-7"},
                        {"address", "10.0.0.7"},
                        {"approved", false},
                        {"asked_at", "2026-11-28T23:59:30.000Z"},
                        {"facts", {{"hostname", "rasp\x1b[31m"}, {"arch", "arm64"}, {"os", "linux"}}}};
  const std::string waiting = waiting_list_view({{"waiting", Json::array({machine})}}, kScreen);
  for (const char* part : {"0a1b", "pi-7", "waits", "30s ago", "10.0.0.7", "arm64, linux"})
    CHECK_THAT(waiting, ContainsSubstring(part));
  CHECK(waiting.find('\x1b') == std::string::npos);
}

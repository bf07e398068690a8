#include "agent/link/command_judge.h"

#include "tests/support/catch.h"
#include "tests/support/manifest_builder.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

constexpr const char* kId = "0123456789abcdef0123456789abcdef";

const SigningKey& hub() {
  static const SigningKey key = SigningKey::generate();
  return key;
}

v1::Command command() {
  v1::Command command;
  command.set_id(kId);
  command.set_node(kNode);
  command.set_session("now");
  command.set_expires_at_ms(1'000'000);
  command.mutable_adopt()->set_stack("web");
  return command;
}

CommandFacts facts() {
  return {kNode, "now", {}, std::nullopt};
}

// "accepted", "refused: why" or "dropped: why".
std::string judged(const std::string& envelope, const CommandFacts& facts) {
  const CommandJudgement judgement = judge_command(envelope, hub().verify_key(), facts);
  if (const auto* refused = std::get_if<RefusedCommand>(&judgement)) {
    CHECK(refused->id == kId);
    return "refused: " + refused->text;
  }
  if (const auto* dropped = std::get_if<DroppedCommand>(&judgement)) return "dropped: " + dropped->text;
  return "accepted";
}

std::string judged(const v1::Command& command, const CommandFacts& given = facts(),
                   const SigningKey& key = hub()) {
  return judged(seal_envelope(key, kCommandKind, command.SerializeAsString()), given);
}

}  // namespace

TEST_CASE("a command of the hub for this node and this session is accepted") {
  CHECK(judged(command()) == "accepted");
}

TEST_CASE("what is not the hub's is dropped without a word") {
  CHECK_THAT(judged(command(), facts(), SigningKey::generate()), ContainsSubstring("dropped:"));
  CHECK_THAT(judged(seal_envelope(hub(), kManifestKind, command().SerializeAsString()), facts()),
             ContainsSubstring("dropped:"));
  CHECK_THAT(judged("nonsense", facts()), ContainsSubstring("dropped:"));
  CHECK_THAT(judged(std::string(100'000, 'x'), facts()), ContainsSubstring("at most"));
  CHECK_THAT(judged(seal_envelope(hub(), kCommandKind, "\xff\xff"), facts()),
             ContainsSubstring("does not parse"));
}

TEST_CASE("a command for another node, or without an id that a topic can have, is dropped") {
  v1::Command other = command();
  other.set_node("pi-2");
  CHECK_THAT(judged(other), ContainsSubstring("dropped: command dropped: it is for node 'pi-2'"));
  for (const char* id : {"", "x", "0123456789abcdef0123456789abcde/", "0123456789ABCDEF0123456789ABCDEF"}) {
    other = command();
    other.set_id(id);
    CHECK_THAT(judged(other), ContainsSubstring("dropped:"));
  }
}

TEST_CASE("a command is done once") {
  CommandFacts known = facts();
  known.done.insert(kId);
  CHECK_THAT(judged(command(), known), ContainsSubstring("dropped:"));
}

TEST_CASE("a command of another session is refused, whatever the clock says") {
  CommandFacts later = facts();
  later.session = "later";
  CHECK_THAT(judged(command(), later), ContainsSubstring("refused: the node has connected anew"));
  later.session = "";
  v1::Command without = command();
  without.clear_session();
  CHECK_THAT(judged(without, later), ContainsSubstring("refused:"));
}

TEST_CASE("a command that has expired is refused where the clock can be trusted") {
  CommandFacts late = facts();
  late.now_ms = 1'060'000;
  CHECK_THAT(judged(command(), late), ContainsSubstring("refused: it expired 60 s ago"));
  late.now_ms = 999'999;
  CHECK(judged(command(), late) == "accepted");
}

TEST_CASE("an action that this agent does not know is refused") {
  v1::Command unknown = command();
  unknown.clear_action();
  CHECK_THAT(judged(unknown), ContainsSubstring("refused: this agent does not know"));
}

#include "agent/link/command_judge.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hivemind;
  static const SigningKey key = SigningKey::generate();
  const std::string_view bytes = tests::text_of(data, size);
  const agent::CommandFacts facts{"pi-1", "session", {"00000000000000000000000000000001"}, 1'000'000};
  const auto unsigned_one = agent::judge_command(bytes, key.verify_key(), facts);
  tests::require(std::holds_alternative<agent::DroppedCommand>(unsigned_one),
                 "an unsigned command is not dropped");
  const auto judgement =
      agent::judge_command(seal_envelope(key, kCommandKind, bytes), key.verify_key(), facts);
  if (const auto* accepted = std::get_if<agent::AcceptedCommand>(&judgement)) {
    const v1::Command& command = accepted->command;
    tests::require(command.node() == "pi-1" && command.session() == "session",
                   "a command is not for this node now");
    tests::require(!facts.done.contains(command.id()), "a command is done twice");
    tests::require(command.expires_at_ms() >= *facts.now_ms, "an expired command is accepted");
  }
  if (const auto* refused = std::get_if<agent::RefusedCommand>(&judgement))
    tests::require(refused->id.size() == 32 && !refused->text.empty(), "refused without a reason");
  return 0;
}

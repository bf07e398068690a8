#include "agent/link/command_judge.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/error.h"

namespace hivemind::agent {
namespace {

constexpr std::size_t kMaxEnvelope = 64u << 10;
constexpr std::size_t kIdDigits = 32;

// It becomes part of a topic.
bool is_command_id(std::string_view id) {
  return id.size() == kIdDigits && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

CommandJudgement judged(v1::Command command, const CommandFacts& facts) {
  if (!is_command_id(command.id())) return DroppedCommand{"command dropped: its id is none"};
  if (command.node() != facts.node) {
    return DroppedCommand{
        fmt::format("command dropped: it is for node '{}', this is '{}'", command.node(), facts.node)};
  }
  if (facts.done.contains(command.id())) {
    return DroppedCommand{fmt::format("command '{}' dropped: it has come before", command.id())};
  }
  // A command waits in the broker for a node that is away, for weeks if it must; its connection since then is
  // another one.
  if (facts.session.empty() || command.session() != facts.session) {
    return RefusedCommand{command.id(),
                          "the node has connected anew since the command was given (give it again)"};
  }
  if (facts.now_ms && *facts.now_ms > command.expires_at_ms()) {
    return RefusedCommand{
        command.id(),
        fmt::format("it expired {} s ago by the node's clock (give it again, or set the clocks)",
                    (*facts.now_ms - command.expires_at_ms()) / 1000)};
  }
  if (command.action_case() == v1::Command::ACTION_NOT_SET) {
    return RefusedCommand{command.id(), "this agent does not know such a command (update the agent)"};
  }
  return AcceptedCommand{std::move(command)};
}

}  // namespace

CommandJudgement judge_command(std::string_view envelope, const VerifyKey& key, const CommandFacts& facts) {
  if (envelope.size() > kMaxEnvelope) {
    return DroppedCommand{
        fmt::format("command dropped: {} bytes (at most {})", envelope.size(), kMaxEnvelope)};
  }
  std::string payload;
  try {
    payload = open_envelope(key, kCommandKind, envelope);
  } catch (const Error& error) {
    return DroppedCommand{fmt::format("command dropped: {}", error.what())};
  }
  v1::Command command;
  if (!command.ParseFromString(payload)) return DroppedCommand{"command dropped: its payload does not parse"};
  return judged(std::move(command), facts);
}

}  // namespace hivemind::agent

#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

#include "common/envelope.h"
#include "hivemind/v1/command.pb.h"

namespace hivemind::agent {

// What a command is judged by.
struct CommandFacts {
  std::string node;
  std::string session;                   // of this connection to the broker; empty: none yet
  std::set<std::string> done;            // ids of the commands that this session has brought
  std::optional<std::int64_t> now_ms{};  // Unix time, where the clock is known to be right
};

struct AcceptedCommand {
  v1::Command command;
};
// The hub's, but not to be done: it is told so.
struct RefusedCommand {
  std::string id;
  std::string text;
};
// Not the hub's, not this node's, or done already: there is nothing to say to anybody.
struct DroppedCommand {
  std::string text;
};
using CommandJudgement = std::variant<AcceptedCommand, RefusedCommand, DroppedCommand>;

// Whether a node may do what these bytes ask for. Pure. The signature comes first; before it is known to be
// the hub's, nothing of the payload is parsed.
CommandJudgement judge_command(std::string_view envelope, const VerifyKey& key, const CommandFacts& facts);

}  // namespace hivemind::agent

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hivemind/v1/report.pb.h"

namespace hivemind::agent {

struct Refusal {
  v1::Reason reason = v1::REASON_NONE;
  std::string text;
  v1::Position position;  // what the refused manifest said of itself, where that could be trusted
};

// What the node's report is made of besides its stacks. Pure data.
struct NodeStanding {
  v1::Position received;  // that the stacks below are about, as long as the engine answers
  v1::Report applied;     // its position and stacks are those of the newest manifest that was applied whole
  std::optional<Refusal> refusal;  // of the newest message, if it was refused
  v1::Reason engine_reason = v1::REASON_NONE;
  std::string engine_text;
  std::string store_failure;
  bool looked = false;   // the stacks below were observed with the received manifest
  bool settled = false;  // no step is under way or wanted, nothing is waited for
  v1::Reason rest_reason =
      v1::REASON_NONE;  // of what is not a desired stack, such as one that cannot be removed
  std::string rest_text;
  std::vector<v1::StackReport> stacks;
  std::string clock_doubt;  // why the node's clock cannot be right; empty: nothing speaks against it
  std::string trouble;      // between node and hub: certificates
};

// Whether all that the received manifest wants is there, and nothing else of ours.
bool is_applied(const NodeStanding& standing);

// Positions, reason, text and stacks; the node, its facts and the time are the caller's.
v1::Report node_report(const NodeStanding& standing);

}  // namespace hivemind::agent

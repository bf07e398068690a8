#pragma once

#include "common/redact.h"
#include "hivemind/v1/command.pb.h"
#include "hivemind/v1/report.pb.h"

namespace hivemind {

// Takes what the redactor knows out of all that is free text in what a node tells. The node does so before it
// sends, and the hub, which knows values that this node was never given, with what it gets.
void redact(v1::Report& report, const Redactor& redactor);
void redact(v1::Event& event, const Redactor& redactor);
void redact(v1::CommandReply& reply, const Redactor& redactor);

}  // namespace hivemind

#pragma once

#include <string>
#include <string_view>

#include "hub/cli/answer.h"
#include "hub/cli/table.h"

// The hub's answers as text for people. Pure: JSON in, text out. The shapes are those of docs/api.md.
namespace hivemind::hub::cli {

// GET /status and GET /nodes: the page that an operator opens first.
std::string status_view(const Json& status, const Json& nodes, std::string_view hub_url,
                        const Screen& screen);

// Nothing in GET /status asks for an operator: no failure of Git, broker, store or a node, no held or broken
// commit. Nodes that are away or under way are no trouble.
bool is_well(const Json& status);

std::string node_list_view(const Json& nodes, const Screen& screen);
std::string node_view(const Json& node, const Screen& screen);

std::string stack_list_view(const Json& stacks, const Screen& screen);
std::string stack_view(const Json& stack, const Screen& screen);

std::string trust_view(const Json& trust, const Screen& screen);
// POST /trust/rotate: the key that is in force now.
std::string rotated_view(const Json& trust, const Screen& screen);

// POST /sync: what came of it.
std::string sync_view(const Json& sync, const Screen& screen);

// POST /nodes/{id}/adopt: what would be done or was done, field by field.
std::string adoption_view(const Json& adoption, const Screen& screen);

// GET /nodes/{id}/why: the answer in one line, what to do, and then what else there is.
std::string why_view(const Json& why, const Screen& screen);

// POST /nodes/{id}/purge: what would be removed or was removed.
std::string purge_view(const Json& purge, const Screen& screen);

// POST /enrolment/tokens and POST /nodes/{id}/replace: the one line to run on the machine.
std::string enrolment_line(const Json& token);
// GET /enrolment/tokens and GET /enrolment/waiting.
std::string enrolment_tokens_view(const Json& answer, const Screen& screen);
std::string waiting_list_view(const Json& answer, const Screen& screen);
// GET /ca.
std::string authority_view(const Json& answer, const Screen& screen);

// GET /secrets and GET /registries.
std::string secret_list_view(const Json& answer, const Screen& screen);
std::string registry_list_view(const Json& answer, const Screen& screen);

// What is worth knowing and stands in nobody's way: the notices of each entry, which is named by its member
// 'place'. Empty when there are none.
std::string notices_view(const Json& entries, const char* place, const Screen& screen);

// The releases that have failed: the member 'failed' of each entry. Empty when there are none.
std::string failures_view(const Json& entries, const char* place, const Screen& screen);

// GET /access/tokens, and what POST has made.
std::string token_list_view(const Json& tokens, const Screen& screen);
std::string new_token_view(const Json& token, const Screen& screen);

// GET /audit, and GET /audit/verify.
std::string audit_view(const Json& audit, const Screen& screen);
std::string audit_verdict_view(const Json& verdict, const Screen& screen);

// The members failed, waiting, scheduled and offline of GET /convergence, one line each; a hint when nothing
// is online.
std::string waiting_view(const Json& convergence, const Screen& screen);

// The same on one line, for progress: "waiting for 2 nodes: pi-1 (pulling: …), pi-2". Empty when none is
// waited for.
std::string progress_line(const Json& convergence);

// GET /events, without titles, so that further answers can be printed below.
std::string events_view(const Json& events, const Screen& screen);

// One line each: severity in colour, place and message wrapped as they come.
std::string diagnostics_view(const Json& diagnostics, const Screen& screen);

bool has_errors(const Json& diagnostics);

// "error: " and the text, for standard error.
std::string failure_view(std::string_view text, const Screen& screen);

// "pulling: registry answers 503": the reason without "none", and the text, whichever there are.
std::string why(const Json& item);

}  // namespace hivemind::hub::cli

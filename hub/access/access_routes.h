#pragma once

#include <functional>

#include <boost/asio/any_io_executor.hpp>

#include "hub/access/access_tokens.h"
#include "hub/access/audit_log.h"
#include "hub/api/route.h"

// The API's own tokens and its audit log, as the API shows them: docs/api.md describes every field.
namespace hivemind::hub {

struct AccessParts {
  AccessTokens& tokens;
  AuditLog& audit;
  boost::asio::any_io_executor loop;
  std::function<void()> on_revoked;  // what is under way with a token that is good no more is to end
};

// The parts' references outlive the table.
api::Table access_routes(AccessParts parts);

// How a request stands in the audit log: the variables of its path, and those members of its body or query
// that the route names.
AuditedDeed deed_of(const api::Route& route, const api::Request& request);
AuditedOutcome outcome_of(const api::Response& response);

}  // namespace hivemind::hub

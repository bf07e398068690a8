#pragma once

#include <optional>

#include "agent/agent.h"
#include "agent/identity/directory.h"
#include "agent/link/hub_link.h"
#include "agent/options.h"

namespace hivemind::agent {

// Who this node is, whom it obeys, and how it reaches the broker: by its enrolment, or, in a network that is
// trusted, by flags alone.
struct Membership {
  Identity identity;
  BrokerOptions broker;
  bool is_enrolled = false;
};

// Throws kInvalid for flags that contradict the enrolment, or are missing where there is none; kCorrupt or
// kDenied for an identity that cannot be used. The directory has been recovered.
Membership membership_of(const Options& options, const IdentityDirectory& directory);

// The host's name up to the first dot, where that can be a node id; else "".
std::string node_of_host();

}  // namespace hivemind::agent

#pragma once

#include <functional>
#include <string>

#include "hub/api/route.h"
#include "hub/enrolment.h"

namespace hivemind::hub::api {

// What a machine is told besides its certificate.
struct EnrolmentFacts {
  std::function<std::string()> signing_key;  // text of hub.pub; it may be rotated
  std::string after_revoking;                // what is left to do for an operator; empty: nothing
  std::function<std::string()> broker;       // mqtts://HOST:PORT; without a HOST: where the hub was reached
  std::function<std::string()> hub;          // https://HOST:PORT, for the line that an operator hands on
  std::string obstacle;                      // why no machine can become a node here; empty: nothing is
};

// How machines become nodes, and stop being any: what they ask (open, the token or the old key is the right),
// and what operators decide.
Table enrolment_routes(Enrolment& enrolment, EnrolmentFacts facts);

}  // namespace hivemind::hub::api

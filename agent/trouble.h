#pragma once

#include <cstdint>
#include <string>

#include "common/mqtt/link.h"

namespace hivemind::agent {

// How a node stands with its hub, as far as people have to hear of it.
struct HubContact {
  std::string node;
  bool is_up = false;                            // the link to the broker
  mqtt::Trouble trouble = mqtt::Trouble::kNone;  // why it could not be made the last time
  std::int64_t certificate_until_s = 0;          // of an enrolled node
  std::string renewal_failure = {};              // since the last renewal; empty: none has failed
};

// Why the broker is not spoken with, where somebody has to do something about it; empty: nobody has. Pure.
std::string refusal_text(const HubContact& contact);

// The same while there is no link, or else why the certificate is not renewed. Pure.
std::string trouble_text(const HubContact& contact);

}  // namespace hivemind::agent

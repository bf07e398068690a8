#pragma once

#include <chrono>

namespace hivemind::hub {

struct EnrolmentOptions {
  std::chrono::seconds certificate_life = std::chrono::days(90);  // of a node's certificate
  std::chrono::seconds renewal_grace =
      std::chrono::days(30);  // after its end, in which it can still be renewed
};

}  // namespace hivemind::hub

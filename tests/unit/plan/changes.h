#pragma once

#include <string>
#include <vector>

#include "hivemind/v1/manifest.pb.h"

namespace hivemind::tests {

// From one manifest to another.
struct Change {
  std::string name;
  std::vector<v1::Release> from;
  std::vector<v1::Release> to;
};

// One for each thing that makes a change hard.
std::vector<Change> changes();

// A stack of some services with some of those things, in its first, second or third version; the same seed is
// the same application.
v1::Release generated(unsigned seed, int version);

}  // namespace hivemind::tests

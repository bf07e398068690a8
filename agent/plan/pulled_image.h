#pragma once

#include <compare>
#include <string>

namespace hivemind::agent {

// An image that this agent has had pulled, and so may take away again.
struct PulledImage {
  std::string reference;  // as it was asked for
  std::string id;         // "sha256:…"; empty: the pull was begun, and its end is not known
  // What the reference meant when the pull was begun; empty: nothing. What it still means is not ours.
  std::string before = {};
  auto operator<=>(const PulledImage&) const = default;
};

}  // namespace hivemind::agent

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "hub/desired/release.h"

namespace hivemind::hub {

// A port of the node that a service publishes.
struct PortClaim {
  std::string service;
  std::string address;  // empty: all
  std::string port;     // "8080/tcp"
};

struct NameClaim {
  std::string service;
  std::string name;  // of a container
};

// What a release wants of its node for itself alone.
struct Claims {
  std::vector<PortClaim> ports;
  std::vector<NameClaim> names;
};

// Ports that the engine chooses, alone or from a range, are no claim.
Claims claims_of(const CompiledRelease& release);

// A claim that another one stands against.
struct Conflict {
  std::string service;
  std::string message;  // "port '80/tcp' is already published by service 'app' of stack 'web'"
  std::string remedy;
  std::string other_stack;
};

// What the stacks of one node have claimed so far.
class ClaimedBy {
 public:
  // The conflicts of a stack with those before it and within itself. Its claims are taken only when there are
  // none.
  std::vector<Conflict> add(const std::string& stack, const Claims& claims);

 private:
  struct Owner {
    std::string stack;
    std::string service;
    std::string address;
  };
  std::map<std::string, std::vector<Owner>> ports_;
  std::map<std::string, Owner> names_;
};

}  // namespace hivemind::hub

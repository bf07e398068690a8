#pragma once

#include <string>
#include <string_view>
#include <vector>

// What engine bodies ask of the node beyond a container's own walls, as plain values, however it is written.
// Pure. Read as suspiciously as the engine reads generously: keys in any case, fields at places where old
// engines still look for them, and what is not known is not taken for harmless.
namespace hivemind::agent {

struct Demand {
  enum class Kind {
    kPrivileged,     // of the container's walls themselves
    kHostNetwork,    // the node's network, or that of a container that is not the stack's
    kHostNamespace,  // PIDs, IPC, host name, users, cgroups: likewise
    kDevice,
    kCapability,    // value: its name in capitals, without "CAP_"; or "ALL"
    kBind,          // value: the path on the node as it is written; empty: any
    kForeignFiles,  // files by way of what cannot be looked into: a volume driver, another's container
    kImage,         // value: the reference
    kNetwork,       // value: the name of a network that it joins
    kUnclear,       // cannot be told before it is too late
  };
  Kind kind;
  std::string value;
  std::string text;  // "is privileged", "binds '/etc'"
  bool operator==(const Demand&) const = default;
};
using Demands = std::vector<Demand>;

// Of bodies as the hub sends them: of containers, their endpoints, networks, volumes. In the order of their
// keys.
Demands demands_of_container(std::string_view engine_body);
Demands demands_of_endpoint(std::string_view engine_body);
Demands demands_of_network(std::string_view engine_body);
Demands demands_of_volume(std::string_view engine_body);

}  // namespace hivemind::agent

#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "hub/desired/diagnostic.h"

namespace hivemind::hub {

// Collects what is said of one stack for its nodes, and says each thing once, with the nodes that it
// concerns.
class DiagnosticMerge {
 public:
  // Of the stack as such, whatever the node.
  void add(const Diagnostics& diagnostics);
  // nodes: sorted, at least one. May be given again for the same diagnostics with other nodes.
  void add(const Diagnostics& diagnostics, const std::vector<std::string>& nodes);

  // nodes is left empty in those that concern as many nodes as the stack is selected for.
  void append_to(Diagnostics& out, std::size_t selected) const;

 private:
  struct Concerned {
    bool all = false;
    std::vector<std::string> nodes;
  };
  struct Order {
    bool operator()(const Diagnostic& a, const Diagnostic& b) const;
  };
  std::map<Diagnostic, Concerned, Order> said_;
};

// By place, then errors first.
void sort(Diagnostics& diagnostics);

}  // namespace hivemind::hub

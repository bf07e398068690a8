#pragma once

#include <string>
#include <vector>

#include "hub/desired/compiler.h"
#include "tests/support/catch.h"
#include "tests/support/memory_snapshot.h"

namespace hivemind::hub {

using Nodes = std::vector<NodeIdentity>;

inline Nodes nodes(std::initializer_list<std::string> ids) {
  Nodes all;
  for (const std::string& id : ids) all.push_back({id, {}});
  return all;
}

inline std::vector<std::string> texts(const Compilation& compilation) {
  std::vector<std::string> said;
  for (const Diagnostic& diagnostic : compilation.diagnostics) said.push_back(to_text(diagnostic));
  return said;
}

// A service that runs the image, and no more.
inline std::string image(const std::string& name) {
  return "services:\n  app:\n    image: " + name + "\n";
}

// What stands next to each other for one node: "db=postgres:16 web=-", with the first service's image, or '-'
// where nothing compiled.
inline std::string runs(const Compilation& compilation, const std::string& node) {
  std::string text;
  for (const Assignment& assignment : compilation.nodes.at(node)) {
    text += (text.empty() ? "" : " ") + assignment.stack + "=";
    text += assignment.release ? assignment.release->release.services(0).image() : "-";
  }
  return text;
}

inline ReleasePtr release(const Compilation& compilation, const std::string& node, const std::string& stack) {
  for (const Assignment& assignment : compilation.nodes.at(node)) {
    if (assignment.stack == stack) return assignment.release;
  }
  return nullptr;
}

inline Compilation compile(const Snapshot& snapshot, const Nodes& all) {
  return Compiler("").compile(snapshot, all, std::nullopt);
}

}  // namespace hivemind::hub

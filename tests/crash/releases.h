#pragma once

#include <map>
#include <set>
#include <string>

#include "tests/support/node_rig.h"

namespace hivemind::tests {

// A stack of two services on a network of its own, both with the named volume: 'app', which depends on 'db'.
struct WebStack {
  std::string app = "1";  // its version
  std::string db = "1";
  std::string app_image = {};  // empty: the test image
  int soak_ms = 0;
};
v1::Manifest web_manifest(const NodeRig& rig, const WebStack& stack);
// Nothing at all: what was there is removed, and the volume stays.
v1::Manifest empty_manifest();

// What the engine has of the node, but for what differs from one run to the next.
struct Scene {
  std::map<std::string, std::string> containers;  // "<config hash> <state>" by name
  std::set<std::string> networks;
  std::set<std::string> volumes;
  bool operator==(const Scene&) const = default;
};
std::string text_of(const Scene& scene);

Scene scene_of(const NodeRig& rig);
std::map<std::string, std::string> ids_of(const NodeRig& rig);  // of containers, by name
std::map<std::string, std::string> volumes_of(
    const NodeRig& rig);  // which one it is, where the engine tells, by name

// What is to be there in the end.
Scene wanted_scene(const NodeRig& rig, const WebStack& stack);

}  // namespace hivemind::tests

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/plan/desired.h"

// Finishes the engine bodies that came with the manifest by what only the node knows. Pure.
namespace hivemind::agent {

struct BodyContext {
  std::string node;
  std::string revision;  // of the manifest that has the thing made
  const DesiredStack& stack;
};

struct ContainerContext {
  const DesiredService& service;
  std::uint32_t number = 1;
  std::vector<std::string> mount_sources;  // absolute paths on the node, one for each of the service's mounts
  std::map<std::string, std::string> bases;  // ids of the containers that it is made with, by service
  ApiLevel engine_api;                       // decides whether all networks or the first go along
  std::map<std::string, std::string> anonymous_volumes = {};  // to be taken over: their names by mount point
  std::string image = {};       // id of the image in place of the body's; empty: the body's
  std::string job = {};         // Job::label(), of a service that runs once for a release
  std::string log_driver = {};  // of containers that name none; empty: not known, and nothing is limited
  // Puts the values of secrets into a text of the body. Absent: there are none.
  std::function<std::string(const std::string& text)> filled_in = {};
};

// Throw kInvalid for a body that is not what it should be.
std::string container_body(const BodyContext& context, const ContainerContext& container);
std::string network_body(const BodyContext& context, const DesiredNetwork& network);
std::string volume_body(const BodyContext& context, const DesiredVolume& volume);

}  // namespace hivemind::agent

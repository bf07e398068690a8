#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/adopt/compare.h"
#include "agent/plan/desired.h"
#include "agent/plan/observed.h"
#include "hivemind/v1/command.pb.h"

// What adopting a stack would mean, as a value. Pure.
namespace hivemind::agent {

struct TakenContainer {
  ListedContainer container;
  const DesiredService* service = nullptr;  // none: the release has no such service
  bool is_surplus = false;                  // of a replica that is not wanted
  bool is_running = true;
  std::vector<Difference> differences{};
  std::map<std::string, std::string> labels{};  // what ours would carry
};

struct TakenNetwork {
  EngineNetwork network;
  const DesiredNetwork* desired = nullptr;  // none: the release has no such network
  std::vector<Difference> differences{};
  std::map<std::string, std::string> labels{};
};

struct TakenVolume {
  const DesiredVolume* desired = nullptr;
  bool is_there = false;
  std::vector<Difference> differences{};
};

struct Found {
  const DesiredStack* stack = nullptr;
  std::vector<TakenContainer> containers;
  std::vector<TakenNetwork> networks;
  std::vector<TakenVolume> volumes;
  std::vector<std::string> missing_containers{};  // names, with their services
  std::vector<std::string> missing_networks{};
};

struct Takeover {
  v1::Adoption adoption;  // what is shown
  Adopted adopted;        // what is to be remembered when it is confirmed
  std::set<std::string>
      present{};  // ids of what was ours when it was looked at: older adoptions of others are over
};

// A service follows what it stands on: on a network that is replaced, or in a namespace of a container that
// is, it cannot stay. The values of environment variables are not shown: they may be secrets, and travel.
Takeover takeover_of(Found found);

}  // namespace hivemind::agent

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "agent/plan/notices.h"
#include "agent/plan/observed.h"
#include "agent/plan/past.h"
#include "hivemind/v1/report.pb.h"

// The steps from what is to what shall be. A value: made by the planner, walked by the executor, printed for
// people.
namespace hivemind::agent {

struct ContainerRef {
  std::string id;  // empty: the container that a step of this plan makes under that name
  std::string name;
};

struct PullImage {
  std::string image;
  std::string platform;
};
struct CreateNetwork {
  std::string name;
};
struct RemoveNetwork {
  std::string id;
  std::string name;
};
struct CreateVolume {
  std::string name;
};
struct PlaceFiles {};    // of the step's service
struct PlaceSecrets {};  // likewise; also before a container that is there is started: a reboot takes them
struct CreateContainer {
  std::string name;
  std::uint32_t number = 1;
  std::map<std::string, ContainerRef> bases;  // containers that it is made with, by service
  // Anonymous volumes of the container that it takes the place of, by mount point: what the application has
  // written there is not lost with a replacement.
  std::map<std::string, std::string> volumes;
  std::string image = {};  // id of the image in place of the reference's; empty: as the reference says
};
struct ConnectNetwork {
  ContainerRef container;
  std::string network;
};
struct DisconnectNetwork {
  ContainerRef container;
  std::string network;
};
struct StartContainer {
  ContainerRef container;
};
struct RunHooks {  // post_start of the step's service
  ContainerRef container;
};
struct StopContainer {
  ContainerRef container;
  std::string pre_stop = {};  // label of the hooks that come first; see hooks.h
  // How long it may take before it is killed; nothing: as the container says.
  std::optional<std::chrono::seconds> grace = {};
};
// A container that is kept must not be started by the engine when that starts; one that comes back, must.
struct SetRestartPolicy {
  ContainerRef container;
  std::string policy;  // as Container::restart_policy
};
struct UnpauseContainer {
  ContainerRef container;
};
struct RenameContainer {
  ContainerRef container;
  std::string to;
};
struct RemoveContainer {
  ContainerRef container;
};

// Each is one call to the engine (a pull is only begun; files are ours; hooks are a few).
using Action =
    std::variant<PullImage, CreateNetwork, RemoveNetwork, CreateVolume, PlaceFiles, PlaceSecrets,
                 CreateContainer, ConnectNetwork, DisconnectNetwork, StartContainer, RunHooks, StopContainer,
                 SetRestartPolicy, UnpauseContainer, RenameContainer, RemoveContainer>;

enum class Purpose {
  kDeploy,   // not there yet
  kReplace,  // there, with another definition
  kHeal,     // was as desired, and somebody or something changed it
  kFollow,   // is as desired, and restarts with what it depends on
  kRemove,   // not wanted any more
};

// Whether doing it, even with success, makes the next attempt at the subject wait longer.
enum class Pace { kFree, kBacksOff };

struct Step {
  std::string stack;
  std::string service;  // empty: the step is the stack's
  Action action;
  Purpose purpose = Purpose::kDeploy;
  std::string cause;
  std::vector<std::size_t> after;  // steps of this plan, of the same stack, that must have succeeded before
  Pace pace = Pace::kFree;
  std::string job =
      {};  // Job::label(): the step is of the manifest's release, whatever runs; empty: of what runs
};

// Why something is not as desired although no step is taken.
struct Pending {
  std::string stack;
  std::string service;  // empty: the whole stack
  v1::Reason reason = v1::REASON_NONE;
  std::string text;
};

// What the planner would have to know to say more. Answer, and plan again.
struct Questions {
  std::set<std::string> images;
  std::set<std::string> networks;  // external ones
  std::set<std::string> volumes;
  std::set<std::string> network_users;  // ids of ours, whose users are asked for
  bool empty() const {
    return images.empty() && networks.empty() && volumes.empty() && network_users.empty();
  }
};

struct Answers {
  std::map<std::string, std::optional<std::string>> images;  // id, or absent
  std::map<std::string, bool> networks;
  std::map<std::string, bool> volumes;
  std::map<std::string, std::vector<NetworkUser>> network_users;  // by id
};

struct Plan {
  std::vector<Step> steps;
  std::vector<Pending> pending;
  std::vector<Notice> notices;  // what looking alone has shown, such as volumes that differ
  Questions questions;
  std::set<std::string> fetching;      // image keys that some service still waits for
  std::set<std::string> unused = {};   // "<stack>/<service>" of candidates: Past::fresh is still to be used
  std::set<std::string> fetched = {};  // stacks of the candidates whose releases are on the node as a whole
  std::optional<TimePoint> next_look;  // when waiting ends by itself
};

// What attempts at the step are counted under, such as "web/app" or "web/network:web_default".
std::string subject_of(const Step& step);

// "create container web-app-1", without the cause.
std::string to_text(const Action& action);
// "create container web-app-1: service 'app' of stack 'web' has no container"
std::string to_text(const Step& step);
// One line a step, then one a pending condition.
std::string to_text(const Plan& plan);

// The steps of each stack, `after` counting within it.
std::map<std::string, std::vector<Step>> by_stack(const Plan& plan);

}  // namespace hivemind::agent

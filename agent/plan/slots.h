#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/plan/desired.h"
#include "agent/plan/observed.h"
#include "agent/plan/past.h"

// Sorts what a stack has by what it should have. Pure; pointers point into the Desired and Observed given.
namespace hivemind::agent {

// The place of one replica. "Old" containers are of another definition, changed by hand, or doubles.
struct Slot {
  std::uint32_t number = 1;
  std::string name;                    // the container's desired name
  const Container* current = nullptr;  // as its definition wants it, running or not
  std::vector<const Container*> old;   // sorted by name
  std::string why_old;                 // what is wrong with one of them, rather one of the wanted definition
  std::vector<const Container*> doubles;  // those of the old that would do as well
  bool leaving = false;                   // the engine is just removing a container of it
};

struct ServiceView {
  const DesiredService* service = nullptr;
  std::vector<Slot> slots;                // replicas, by number
  std::vector<const Container*> surplus;  // of replicas that are not wanted any more
  bool one_shot = false;                  // some service waits for its completion
};

struct StackView {
  std::string name;
  const DesiredStack* stack = nullptr;  // none: the stack is not wanted
  std::map<std::string, ServiceView> services;
  std::vector<const Container*> orphans;       // of services that are not wanted
  std::vector<const EngineNetwork*> networks;  // ours, of this stack
};

std::string_view label_of(const std::map<std::string, std::string>& labels, const char* key);

// Only what carries our label and the node's is looked at.
bool is_ours(const std::map<std::string, std::string>& labels, std::string_view node);

StackView view_of(const std::string& name, const DesiredStack* stack, const Observed& observed,
                  std::string_view node);

// The old container that is as good as the service has, while there is no current one: one that is up, else
// the one that was started last; none where there is no old one.
const Container* stand_in(const Slot& slot);

bool is_up(const Container& container);        // its processes exist: running, paused or between two restarts
bool was_started(const Container& container);  // once at least

// Whether the engine leaves it alone although its definition wants it restarted: it was kept, and comes back
// by being told its policy again.
bool is_held_back(const Container& container, const BodyFacts& facts);

// Ended well, and must not be started again.
bool is_completed(const Container& container, const ServiceView& view, const Past& past);

// Its post_start hooks have run, if it has any.
bool is_hooked(const Container& container, const DesiredService& service, const Past& past);

// Whether a's start is later than b's.
bool started_after(const Container& a, const Container& b);

}  // namespace hivemind::agent

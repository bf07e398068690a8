#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/plan/gates.h"
#include "agent/plan/plan.h"
#include "agent/plan/planner.h"
#include "agent/plan/slots.h"

namespace hivemind::agent {

ContainerRef ref(const Container& container);
// With the hooks that it carries, where they can still be run.
StopContainer stop_of(const Container& container);
inline constexpr const char* kImageMoved = "its image has moved";
// Its name while another container takes its name: told apart by its id.
std::string aside(const Container& container, const std::string& name);

// Plans one stack into a Plan. Lives for one call of make_plan.
class StackPlanner {
 public:
  StackPlanner(const Situation& situation, StackView view, Plan& plan);
  void run();
  // Of a release to come: what can be had without touching what runs.
  void fetch_all();
  // plan_jobs.cpp: makes and starts the job's container, or starts the one that is there.
  void run_job(const Job& job, const Container* there);

 private:
  using Indices = std::vector<std::size_t>;
  struct Change {
    Purpose purpose;
    std::string cause;
    Pace pace = Pace::kFree;
  };

  // stack_planner.cpp: services and their containers.
  bool engine_will_do();
  bool is_of_others();
  void plan_service(ServiceView& view);
  void make(const ServiceView& view, const Slot& slot);
  void settle(const ServiceView& view, const Slot& slot);
  void start_again(const ServiceView& view, const Slot& slot);
  void keep_old(const ServiceView& view, const Slot& slot);
  void restore_name(const ServiceView& view, const Slot& slot);
  void share_bases(const ServiceView& view, CreateContainer& create, Indices& after) const;
  std::map<std::string, std::string> volumes_to_carry(const ServiceView& view, const Slot& slot) const;
  Indices free_name(const ServiceView& view, const Slot& slot, const Change& change);
  std::optional<Gate> open_gate(const ServiceView& view, Strictness strictness);
  Change change_of(const ServiceView& view, const Slot& slot) const;

  // stack_planner_keeping.cpp: what stays of the good release, and how it comes back.
  bool is_rolled_back() const;
  bool is_kept(const Container& container) const { return kept_.contains(container.id); }
  bool is_of_failed(const Container& container) const;
  StopContainer stop_for(const Container& container) const;
  Indices set_aside(const Container& container, const Change& change, const Indices& after);
  void clear_failed();
  Indices give_policy_back(const ServiceView& view, const Container& container, const Change& change,
                           const Indices& after);
  bool holds_ports_of_others(const ServiceView& view, const Container& container) const;
  bool starts_first(const ServiceView& view, const Slot& slot) const;
  bool old_stays(const ServiceView& view, const Slot& slot);
  void retire_old(const ServiceView& view, const Slot& slot, const Indices& after);

  // stack_planner_starts.cpp: how containers come to run, and what restarts with them.
  void put_in_place(const ServiceView& view, const Slot& slot, const ContainerRef& container, Indices after,
                    const Gate& gate, const Change& change);
  Indices connect_missing(const ServiceView& view, const ContainerRef& container, const Container* known,
                          const Indices& after, const Change& change);
  std::size_t start(const ServiceView& view, const ContainerRef& container, const Change& change,
                    Indices after);
  Indices stop_old(const ServiceView& view, const Slot& slot, const Indices& after, const Change& change);
  Indices stop_dependants(const ServiceView& view, const Indices& after);
  void start_stopped(const ServiceView& view, const Slot& slot);
  bool follow_namespaces(const ServiceView& view, const Slot& slot);
  bool run_hooks(const ServiceView& view, const Slot& slot);
  void free_ports_first();
  bool comes_after(std::size_t step, std::size_t other) const;
  void put_in_order();

  // stack_planner_networks.cpp: networks that have changed or are not wanted.
  void replace_networks();
  void tear_down(const DesiredNetwork& network, const EngineNetwork& there);
  bool is_free_of_others(const DesiredNetwork& network, const EngineNetwork& there);
  std::optional<std::size_t> take_off(const Container& container, const DesiredNetwork& network,
                                      const std::string& cause);
  void remove_networks();

  // stack_planner_images.cpp: images that come, and tags that move.
  void follow_images();
  bool follows_image(const DesiredService& service) const;
  void give_way(const ServiceView& view, Slot& slot, const std::string& image);
  bool image_ready(const ServiceView& view);
  bool policy_is_met(const DesiredService& service);
  std::optional<bool> image_is_there(const std::string& reference);
  std::string image_of_good(const DesiredService& service) const;
  bool pull_is_due(const DesiredService& service) const;
  bool fetch(const DesiredService& service);

  // stack_planner_resources.cpp: networks, volumes, files, and what goes.
  bool ready_to_make(const ServiceView& view, const Slot& slot);
  bool resources_ready(const DesiredService& service);
  bool external_ready(const std::string& service, const std::string& what, const std::string& name,
                      const std::map<std::string, bool>& answers, std::set<std::string>& questions);
  bool secrets_ready(const DesiredService& service);
  Indices needs_of(const ServiceView& view);
  std::optional<std::size_t> secrets_step(const DesiredService& service);
  std::optional<std::size_t> network_step(const DesiredNetwork& network);
  std::optional<std::size_t> volume_step(const DesiredVolume& volume);
  void remove_unwanted();
  void notice_differences();
  void remove_container(const Container& container, const std::string& cause, Indices after = {});

  // Shared.
  static void append(Indices& to, const Indices& from) { to.insert(to.end(), from.begin(), from.end()); }
  std::size_t add(std::string service, Action action, Change change, Indices after = {});
  void wait(const std::string& service, v1::Reason reason, std::string text);
  void look_again(TimePoint at);
  bool is_held(const std::string& service, const std::string& subject, const std::string& hash);
  bool is_held(const DesiredService& service);
  const Container* holder_of(const std::string& name) const;

  const Situation& situation_;
  StackView view_;
  Plan& plan_;
  const std::size_t first_step_;  // of this stack in the plan
  std::set<std::string> kept_;    // ids of containers of the good release that stay
  Starts starts_;
  Indices freed_;                                 // stops of what goes: its ports are free after them
  std::map<std::string, std::size_t> creates_;    // by container name
  std::map<std::string, std::size_t> stopped_;    // by container id: stops of what is to be started again
  std::map<std::string, std::size_t> removals_;   // by container id
  std::map<std::string, Indices> set_aside_;      // by id of a kept container: it stands still after them
  std::map<std::string, std::size_t> renames_;    // by container id: its name is free after them
  Indices gone_;                                  // removals of a failed release: nothing starts before them
  std::map<std::string, std::size_t> resources_;  // by subject
  std::map<std::string, std::size_t> files_;      // by service
  std::map<std::string, std::size_t> secrets_;    // likewise
  std::set<std::string> left_out_;                // services that wait for a network to be made anew
};

}  // namespace hivemind::agent

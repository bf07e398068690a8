#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/engine/engine.h"
#include "agent/plan/observed.h"

namespace hivemind::tests {

// A Docker engine in memory, as far as the agent can tell: names are unique, a container needs its image and
// its networks, a network in use stays. Verbs throw hivemind::Error as the real adapter does.
class EngineModel {
 public:
  // What tests arrange.
  void add_image(const std::string& reference) { add_image(reference, "sha256:" + reference); }
  // Under an id of its own: an image that had that name stays, without it.
  void add_image(const std::string& reference, const std::string& id);
  void remove_image(const std::string& reference);
  // Containers of that image end by themselves as soon as they are started.
  void ends_at_once(const std::string& image, int exit_code) { ends_[image] = exit_code; }
  // What containers of that image write.
  void logs(const std::string& image, std::string text) { logs_[image] = std::move(text); }
  // Containers of that image are checked, and have that health when they start.
  void starts_with(const std::string& image, agent::Health health) { health_[image] = health; }
  agent::Container& container(const std::string& name);  // throws kNotFound
  bool has_container(const std::string& name) const;
  void add_container(agent::Container container) { containers_.push_back(std::move(container)); }
  void add_network(agent::EngineNetwork network) { networks_.push_back(std::move(network)); }
  void exit(const std::string& name, int exit_code);
  // Sorted names of the containers that run.
  std::vector<std::string> running() const;
  // "web-app-1 app-2 running" and so on: name, config hash, status; one a line, sorted.
  std::string text() const;

  // The engine's verbs; what carries our label is observed.
  agent::Observed observe() const;
  // Counts as ours besides what carries our label.
  agent::Adopted adopted;
  // What a container was made with: the body, its name and id, as the answer of an inspection.
  std::optional<std::string> inspect_container(const std::string& id) const;
  std::optional<std::string> inspect_network(const std::string& name) const;
  std::optional<std::string> inspect_volume(const std::string& name) const;
  std::vector<std::string> containers_with(const std::string& label) const;
  std::optional<std::string> image_id(const std::string& reference) const;
  std::vector<agent::EngineImage> images() const;
  std::set<std::string> images_in_use() const;
  void delete_image(const std::string& reference_or_id);
  std::string create_container(const std::string& name, const std::string& body);
  void start_container(const std::string& id);
  void stop_container(const std::string& id);
  void set_restart_policy(const std::string& id, const std::string& policy);
  // The engine's own: all that runs ends with it, and what its policy says comes up by itself in some order;
  // one that cannot stays down.
  void restart();
  std::string container_log(const std::string& id) const;  // as logs() says
  void unpause_container(const std::string& id);
  void rename_container(const std::string& id, const std::string& name);
  void remove_container(const std::string& id, bool force);
  void connect_network(const std::string& network, const std::string& id);
  bool network_exists(const std::string& name) const;
  void disconnect_network(const std::string& network, const std::string& id);
  std::vector<agent::NetworkUser> network_users(const std::string& id) const;
  std::string create_network(const std::string& body);
  void remove_network(const std::string& id);
  bool volume_exists(const std::string& name) const;
  agent::EngineVolume create_volume(const std::string& body);
  void remove_volume(const std::string& name);

  // Runs a command in a container that must run: its exit code is that of fails_in(), else 0.
  int exec(const std::string& id, const std::vector<std::string>& command);
  // Commands that begin with that word end with that code.
  void fails_in(const std::string& word, int exit_code) { fails_[word] = exit_code; }
  // "web-app-1: command words", of all that ran so far.
  const std::vector<std::string>& executed() const { return executed_; }

  // What the verbs have caused since the last call.
  std::vector<agent::EngineEvent> take_events();

 private:
  agent::Container& by_id(const std::string& id);
  void tell(const agent::Container& container, const std::string& action,
            std::map<std::string, std::string> attributes = {});
  void end(agent::Container& container, int exit_code);

  std::vector<agent::Container> containers_;
  std::map<std::string, std::string> bodies_;  // by the id of what was made of them
  std::vector<agent::EngineNetwork> networks_;
  std::vector<agent::EngineVolume> volumes_;
  std::map<std::string, agent::EngineImage> images_;  // by id
  std::map<std::string, int> ends_;
  std::map<std::string, agent::Health> health_;
  std::map<std::string, std::string> logs_;
  std::map<std::string, int> fails_;
  std::vector<std::string> executed_;
  std::set<std::string> stopped_;                       // ids of containers that were stopped by a call
  std::map<std::string, std::set<std::string>> bases_;  // whose namespaces a container joins, by its id
  std::vector<agent::EngineEvent> events_;
  int ids_ = 0;
  int clock_ = 0;
};

}  // namespace hivemind::tests

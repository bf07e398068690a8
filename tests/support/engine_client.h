#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/blocking_http.h"

namespace hivemind::tests {

// What the engine itself says, read on its socket and by nothing of the product.
class EngineClient {
 public:
  // Of DOCKER_HOST; throws std::runtime_error where it is not set: a test never touches an engine by
  // accident.
  EngineClient();
  explicit EngineClient(const std::string& url) : http_(url) {}

  static std::string url();

  struct Running {
    std::string id;
    std::string name;
    std::string state;       // "running", "exited", "created" …
    std::string started_at;  // two equal ones: it was not restarted
    auto operator<=>(const Running&) const = default;
  };

  // All containers of the node, whatever their state, by name.
  std::map<std::string, Running> containers(const std::string& node) const;
  nlohmann::json inspect(const std::string& container) const;  // throws when there is none
  nlohmann::json find(const std::string& container) const;     // null when there is none
  // VALUE of NAME=VALUE in the container's environment; "" without one, or without the container.
  std::string variable(const std::string& container, const std::string& name) const;

  bool network_exists(const std::string& name) const;
  bool volume_exists(const std::string& name) const;

  void stop(const std::string& container) const;
  void remove(const std::string& container) const;  // with force, as 'docker rm -f'
  void rename(const std::string& container, const std::string& name) const;

  // Creates and starts with the body of POST /containers/create; returns the id.
  std::string create(const std::string& name, const nlohmann::json& body) const;
  void start(const std::string& container) const;

  // Containers, networks and volumes that carry the label. For cleaning up.
  void remove_all(const std::string& label) const;

  const BlockingHttp& http() const { return http_; }

 private:
  BlockingHttp http_;
};

}  // namespace hivemind::tests

#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/blocking_http.h"
#include "tests/support/engine_client.h"
#include "tests/support/git_repository.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::tests {

// A whole HiveMind of real processes, on free ports and below one temporary directory: a Git repository, the
// hub with its embedded broker, and agents on the engine of DOCKER_HOST. All of it ends, and leaves the
// engine, with the fixture.
class Fleet {
 public:
  Fleet();
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  // --- names that no other test of this engine uses

  std::string node(const std::string& name) const { return name + "-" + tag_; }
  std::string stack(const std::string& name) const { return name + "-" + tag_; }
  // Of the first replica.
  std::string container(const std::string& stack_name, const std::string& service) const {
    return stack(stack_name) + "-" + service + "-1";
  }

  // --- desired state

  GitRepository& repository() { return repository_; }
  const EngineClient& engine() const { return engine_; }

  // --- processes

  struct HubOptions {
    std::filesystem::path data_directory;  // empty: below the fixture's
    std::string git_url;                   // empty: the fixture's repository
    std::vector<std::string> flags = {};   // further ones
    bool is_secure = false;                // TLS for API and broker: its agents enrol
  };
  void start_hub() { start_hub(HubOptions()); }
  void start_hub(HubOptions options);
  void kill_hub();  // kill -9; the broker may outlive it
  void stop_hub();  // SIGTERM; throws when it does not end by itself
  void kill_broker();
  std::optional<pid_t> broker_pid() const;
  Process& hub_process() { return *hub_; }

  struct AgentOptions {
    std::map<std::string, std::string> labels;
    std::filesystem::path data_directory;
    std::string engine_url;               // empty: DOCKER_HOST
    std::vector<std::string> flags = {};  // further ones
    std::string broker_url = {};          // empty: the hub's embedded broker
    std::vector<std::string> program =
        {};  // empty: the agent that was built; an emulator may come before its agent
    bool is_enrolled =
        false;  // it was enrolled with its data directory, and needs no flags that say who it is
  };
  // What 'hivemind node token create' prints, of which the token. Throws when it is refused.
  std::string make_token(const std::vector<std::string>& arguments) const;
  // 'hivemind-agent enroll' in the data directory of that agent.
  Outcome enrol(const std::string& name, const std::string& token,
                const std::vector<std::string>& more = {}) const;
  std::filesystem::path agent_data(const std::string& name) const { return directory_ / ("agent-" + name); }
  void start_agent(const std::string& name) { start_agent(name, AgentOptions()); }
  void start_agent(const std::string& name, AgentOptions options);
  void restart_agent(const std::string& name);  // with the options of its last start
  void kill_agent(const std::string& name);
  void stop_agent(const std::string& name);
  Process& agent_process(const std::string& name) { return *agents_.at(name).process; }

  std::filesystem::path hub_data() const { return hub_options_.data_directory; }
  std::filesystem::path directory() const { return directory_.path(); }
  int broker_port() const { return broker_port_; }
  std::string hub_url() const;

  // --- asking

  // The command line, with the hub and the token set.
  Outcome cli(std::vector<std::string> arguments) const;
  // 'hivemind sync --wait'.
  Outcome sync() const;
  // As sync(), and throws unless all agents' nodes are online and have converged.
  void converge() const;
  BlockingHttp api() const;  // with the token
  nlohmann::json status() const { return api().get("/api/v1/status"); }
  nlohmann::json node_state(const std::string& name) const {
    return api().get("/api/v1/nodes/" + node(name));
  }
  // The node's containers, straight from the engine.
  std::map<std::string, EngineClient::Running> containers(const std::string& name) const {
    return engine_.containers(node(name));
  }
  bool converged(const std::string& name) const;  // false also when the hub does not answer
  bool hub_ready() const;
  std::string logs() const;  // the end of every process's log, for messages

 private:
  bool sync_online_nodes() const;

  struct Agent {
    AgentOptions options;
    std::optional<Process> process;
  };

  TemporaryDirectory directory_;
  std::string tag_;
  GitRepository repository_;
  EngineClient engine_;
  int api_port_;
  int broker_port_;
  HubOptions hub_options_;
  std::optional<Process> hub_;
  std::map<std::string, Agent> agents_;
};

// --- stacks to commit

// "hivemind-test:1", or what tests/run.sh says.
std::string test_image();

// An entry of stacks.yml for compose file NAME.yml.
std::string stack_entry(const Fleet& fleet, const std::string& name, const std::string& more = "");
// A compose file with these services; each serves and has VERSION=value in its environment.
std::string compose(const std::map<std::string, std::string>& version_of_service);

}  // namespace hivemind::tests

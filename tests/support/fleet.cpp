#include "tests/support/fleet.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <signal.h>

#include "common/error.h"
#include "common/file.h"

namespace hivemind::tests {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kStart = 30s;
constexpr auto kEnd = 20s;

std::string random_tag() {
  std::random_device random;
  const char* digits = "0123456789abcdef";
  std::string tag;
  for (int i = 0; i < 6; ++i) tag += digits[random() % 16];
  return tag;
}

std::string program(const std::string& name) {
  return std::string(HIVEMIND_BIN) + "/" + name;
}

// The last lines are what a failed test needs.
std::string end_of(const fs::path& file) {
  constexpr std::size_t kMost = 4000;
  if (!fs::exists(file)) return "";
  std::string text = read_file(file);
  if (text.size() > kMost) text = "…" + text.substr(text.size() - kMost);
  return "--- " + file.filename().string() + "\n" + text + "\n";
}

std::string command_line(const fs::path& process) {
  std::ifstream file(process / "cmdline");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

Fleet::Fleet()
    : tag_(random_tag()),
      repository_(directory_ / "repository"),
      api_port_(free_port()),
      broker_port_(free_port()) {
  hub_options_.data_directory = directory_ / "hub";
}

Fleet::~Fleet() {
  // Agents first: they would put back what is removed.
  for (auto& [name, agent] : agents_) {
    if (agent.process) agent.process->kill();
  }
  if (hub_) hub_->kill();
  kill_broker();
  try {
    for (const auto& [name, agent] : agents_) engine_.remove_all("com.hivemind.node=" + node(name));
  } catch (const std::exception&) {
    // The engine is the test's own and goes with it; a destructor has nobody to tell.
  }
}

std::string Fleet::hub_url() const {
  return (hub_options_.is_secure ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(api_port_);
}

void Fleet::start_hub(HubOptions options) {
  if (options.data_directory.empty()) options.data_directory = directory_ / "hub";
  if (options.git_url.empty()) options.git_url = repository_.url();
  hub_options_ = options;
  std::vector<std::string> command{program("hivemind-hub"),
                                   "--data-dir",
                                   options.data_directory,
                                   "--git-url",
                                   options.git_url,
                                   "--git-branch",
                                   "main",
                                   "--poll-interval",
                                   "3600",
                                   "--listen",
                                   "127.0.0.1:" + std::to_string(api_port_),
                                   "--broker-listen",
                                   "127.0.0.1:" + std::to_string(broker_port_)};
  if (options.is_secure) command.insert(command.end(), {"--tls", "on", "--broker-tls", "on"});
  command.insert(command.end(), options.flags.begin(), options.flags.end());
  hub_.emplace(command, Process::Options{directory_ / "hub.log", {}});
  if (!wait_until([this] { return hub_ready() || !hub_->running(); }, kStart) || !hub_->running()) {
    throw std::runtime_error("the hub did not come up\n" + logs());
  }
}

// Up and connected to its broker; it may have nothing to fetch yet.
bool Fleet::hub_ready() const {
  try {
    return fs::exists(hub_options_.data_directory / "admin.token") &&
           status().at("broker").at("connected").get<bool>();
  } catch (const std::exception&) {
    return false;
  }
}

void Fleet::kill_hub() {
  hub_->kill();
}

void Fleet::stop_hub() {
  hub_->signal(SIGTERM);
  if (hub_->wait(kEnd) != 0) throw std::runtime_error("the hub did not end well\n" + logs());
}

std::optional<pid_t> Fleet::broker_pid() const {
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    const std::string text = command_line(entry.path());
    if (text.find("mosquitto") != std::string::npos &&
        text.find(hub_options_.data_directory.string() + "/") != std::string::npos) {
      return std::stoi(entry.path().filename());
    }
  }
  return std::nullopt;
}

void Fleet::kill_broker() {
  const std::optional<pid_t> pid = broker_pid();
  if (!pid) return;
  ::kill(*pid, SIGKILL);
  wait_until([&] { return broker_pid() != pid; }, kEnd);
}

void Fleet::start_agent(const std::string& name, AgentOptions options) {
  if (options.data_directory.empty()) options.data_directory = agent_data(name);
  if (options.engine_url.empty()) options.engine_url = EngineClient::url();
  Agent& agent = agents_[name];
  agent.options = options;
  if (options.broker_url.empty()) options.broker_url = "mqtt://127.0.0.1:" + std::to_string(broker_port_);
  std::vector<std::string> command = options.program;
  if (command.empty()) command = {program("hivemind-agent")};
  command.insert(command.end(), {"--data-dir", options.data_directory});
  if (!options.is_enrolled) {
    command.insert(command.end(), {"--node", node(name), "--broker", options.broker_url, "--hub-key",
                                   hub_options_.data_directory / "hub.pub"});
  }
  for (const auto& [key, value] : options.labels)
    command.insert(command.end(), {"--label", key + "=" + value});
  command.insert(command.end(), options.flags.begin(), options.flags.end());
  agent.process.emplace(command, Process::Options{directory_ / ("agent-" + name + ".log"),
                                                  {{"DOCKER_HOST", options.engine_url}}});
}

void Fleet::restart_agent(const std::string& name) {
  start_agent(name, AgentOptions(agents_.at(name).options));
}

void Fleet::kill_agent(const std::string& name) {
  agents_.at(name).process->kill();
}

void Fleet::stop_agent(const std::string& name) {
  Process& process = agent_process(name);
  process.signal(SIGTERM);
  if (process.wait(kEnd) != 0) throw std::runtime_error("agent '" + name + "' did not end well\n" + logs());
}

Outcome Fleet::cli(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), program("hivemind"));
  return run(
      arguments,
      {{"HIVEMIND_HUB", hub_url()}, {"HIVEMIND_TOKEN_FILE", hub_options_.data_directory / "admin.token"}},
      120s);
}

std::string Fleet::make_token(const std::vector<std::string>& arguments) const {
  std::vector<std::string> command{"node", "token", "create"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const Outcome outcome = cli(command);
  const std::size_t at = outcome.output.find("hm1.");
  if (outcome.exit_code != 0 || at == std::string::npos)
    throw std::runtime_error("no token: " + outcome.output + outcome.errors + "\n" + logs());
  return outcome.output.substr(at, outcome.output.find_first_of(" \n\"'", at) - at);
}

Outcome Fleet::enrol(const std::string& name, const std::string& token,
                     const std::vector<std::string>& more) const {
  std::vector<std::string> command{program("hivemind-agent"), "enroll", "--hub", hub_url(), "--data-dir",
                                   agent_data(name)};
  command.insert(command.end(), more.begin(), more.end());
  return run(command, {{"HIVEMIND_ENROLL_TOKEN", token}});
}

Outcome Fleet::sync() const {
  return cli({"sync", "--wait"});
}

void Fleet::converge() const {
  constexpr int kMostRounds = 3;
  // A node that is away is no failure of 'sync': the last will of an agent that was killed a moment ago may
  // arrive while the next one of that node connects.
  bool is_complete = false;
  for (int round = 0; round < kMostRounds && !is_complete; ++round) is_complete = sync_online_nodes();
  if (!is_complete) throw std::runtime_error("a node gets offline again and again\n" + logs());
}

// False when a node got offline meanwhile.
bool Fleet::sync_online_nodes() const {
  for (const auto& [name, agent] : agents_) {
    const auto known = [&] {
      try {
        return node_state(name).at("online").get<bool>();
      } catch (const std::exception&) {
        return false;
      }
    };
    if (!wait_until(known, kStart))
      throw std::runtime_error("node '" + name + "' does not get online\n" + logs());
  }
  const Outcome outcome = cli({"sync", "--wait", "--output", "json"});
  if (outcome.exit_code != 0)
    throw std::runtime_error("sync: " + outcome.output + outcome.errors + "\n" + logs());
  const auto offline =
      nlohmann::json::parse(outcome.output).at("convergence").at("offline").get<std::set<std::string>>();
  return std::none_of(agents_.begin(), agents_.end(),
                      [&](const auto& agent) { return offline.contains(node(agent.first)); });
}

BlockingHttp Fleet::api() const {
  std::string token = read_file(hub_options_.data_directory / "admin.token");
  while (!token.empty() && token.back() == '\n') token.pop_back();
  http::Tls tls;
  if (hub_options_.is_secure)
    tls = {http::Trust::kGiven, read_file(hub_options_.data_directory / "ca.pem"), "hivemind-hub"};
  return BlockingHttp(hub_url(), {{"Authorization", "Bearer " + token}}, tls);
}

bool Fleet::converged(const std::string& name) const {
  try {
    return node_state(name).at("state") == "converged";
  } catch (const std::exception&) {
    return false;
  }
}

std::string Fleet::logs() const {
  std::string text = end_of(directory_ / "hub.log");
  for (const auto& [name, agent] : agents_) text += end_of(directory_ / ("agent-" + name + ".log"));
  return text;
}

std::string test_image() {
  const char* image = std::getenv("HIVEMIND_TEST_IMAGE");
  return image != nullptr ? image : "hivemind-test:1";
}

std::string stack_entry(const Fleet& fleet, const std::string& name, const std::string& more) {
  return "  - name: " + fleet.stack(name) + "\n    compose_file: " + name + ".yml\n" + more;
}

std::string compose(const std::map<std::string, std::string>& version_of_service) {
  // A release is good as soon as it runs: what waits for a soak has tests of its own.
  std::string text = "x-hivemind: {soak: 0s}\nservices:\n";
  for (const auto& [service, version] : version_of_service) {
    text += "  " + service + ":\n    image: " + test_image() + "\n    environment:\n      VERSION: \"" +
            version + "\"\n";
  }
  return text;
}

}  // namespace hivemind::tests

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/engine/engine.h"
#include "common/error.h"
#include "tests/support/engine_model.h"

namespace hivemind::tests {

// The Engine over an EngineModel: answers after a turn of the loop, sends events, and fails as it is told.
class FakeEngine : public agent::Engine {
 public:
  explicit FakeEngine(boost::asio::any_io_executor loop) : loop_(std::move(loop)) {}

  EngineModel model;
  agent::EngineInfo info{"20.10.24", {1, 41}, "amd64", "linux", "6.1"};  // what negotiate() says
  std::vector<agent::PublishedPort> ports;                               // what published_ports() says
  // What a pull of that image tells of itself before it waits, fails or ends.
  std::map<std::string, std::vector<agent::PullProgress>> progress;
  std::vector<agent::PullRequest> pulls;  // all that were asked for
  std::vector<std::string> writes;  // "create web-app-1", "start …": every call that changes something
  int observations = 0;

  // The n-th write from now on, counted from 1, throws instead of doing anything.
  void fail_write(int n, Error error) {
    failures_.insert_or_assign(static_cast<int>(writes.size()) + n, error);
  }
  // Every write whose text starts with this throws.
  void fail_writes_like(const std::string& prefix, Error error) { refusals_.insert_or_assign(prefix, error); }
  void mend() { refusals_.clear(); }
  // From the n-th write from now on, nothing is done any more and no call returns: as for an agent that was
  // killed.
  void freeze_at_write(int n) { frozen_at_ = static_cast<int>(writes.size()) + n; }
  bool frozen() const { return frozen_; }
  void thaw();
  // Calls throw kUnavailable and the event stream ends.
  void go_down();
  void come_up() { down_ = false; }
  // Pulls of that image hang until release().
  void hold_pull(const std::string& image) { held_.insert(image); }
  void release();
  void fail_pull(const std::string& image, Error error) { pull_failures_.insert_or_assign(image, error); }
  void mend_pulls() { pull_failures_.clear(); }
  // Stops of containers of that service hang until release_stops().
  void hold_stops(const std::string& name) { held_.insert("stop " + name); }

  // Sends what the model's own verbs, called by the test, have caused.
  void send_events();

  boost::asio::awaitable<agent::EngineInfo> negotiate() override;
  boost::asio::awaitable<agent::Observed> observe() override;
  void set_adopted(agent::Adopted adopted) override { model.adopted = std::move(adopted); }
  boost::asio::awaitable<std::optional<std::string>> inspect_container(std::string id) override;
  boost::asio::awaitable<std::optional<std::string>> inspect_network(std::string name) override;
  boost::asio::awaitable<std::optional<std::string>> inspect_volume(std::string name) override;
  boost::asio::awaitable<std::vector<std::string>> containers_with(std::string label) override;
  boost::asio::awaitable<std::vector<agent::PublishedPort>> published_ports() override;
  boost::asio::awaitable<std::optional<std::string>> image_id(std::string reference) override;
  boost::asio::awaitable<void> pull(agent::PullRequest request,
                                    std::function<void(agent::PullProgress)> on_progress) override;
  boost::asio::awaitable<std::vector<agent::EngineImage>> images() override;
  boost::asio::awaitable<std::set<std::string>> images_in_use() override;
  boost::asio::awaitable<void> remove_image(std::string reference_or_id) override;
  boost::asio::awaitable<agent::Created> create_container(std::string name, std::string platform,
                                                          std::string body) override;
  boost::asio::awaitable<void> start_container(std::string id) override;
  boost::asio::awaitable<void> stop_container(std::string id,
                                              std::optional<std::chrono::seconds> grace) override;
  boost::asio::awaitable<void> set_restart_policy(std::string id, std::string policy) override;
  boost::asio::awaitable<std::string> container_log(std::string id, int lines) override;
  boost::asio::awaitable<void> unpause_container(std::string id) override;
  boost::asio::awaitable<void> rename_container(std::string id, std::string name) override;
  boost::asio::awaitable<void> remove_container(std::string id, bool force) override;
  boost::asio::awaitable<void> connect_network(std::string network, std::string container,
                                               std::string endpoint_body) override;
  boost::asio::awaitable<void> disconnect_network(std::string network, std::string container) override;
  boost::asio::awaitable<agent::Executed> exec(std::string container, agent::Hook command,
                                               std::chrono::milliseconds limit) override;
  boost::asio::awaitable<bool> network_exists(std::string name) override;
  boost::asio::awaitable<std::vector<agent::NetworkUser>> network_users(std::string id) override;
  boost::asio::awaitable<agent::Created> create_network(std::string body) override;
  boost::asio::awaitable<void> remove_network(std::string id) override;
  boost::asio::awaitable<bool> volume_exists(std::string name) override;
  boost::asio::awaitable<agent::EngineVolume> create_volume(std::string body) override;
  boost::asio::awaitable<void> remove_volume(std::string name) override;
  boost::asio::awaitable<void> watch(std::function<void()> on_open,
                                     std::function<void(agent::EngineEvent)> on_event) override;

 private:
  using Gate = std::shared_ptr<boost::asio::steady_timer>;

  boost::asio::awaitable<void> turn();
  boost::asio::awaitable<void> write(std::string what);
  boost::asio::awaitable<void> wait_while_held(std::string what);
  std::string name_of(const std::string& id) const;

  boost::asio::any_io_executor loop_;
  std::map<int, Error> failures_;
  std::map<std::string, Error> refusals_;
  std::map<std::string, Error> pull_failures_;
  std::set<std::string> held_;
  std::vector<Gate> gates_;
  std::optional<int> frozen_at_;
  bool frozen_ = false;
  bool down_ = false;
  std::function<void(agent::EngineEvent)> on_event_;
  Gate watching_;
};

}  // namespace hivemind::tests

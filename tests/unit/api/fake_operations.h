#pragma once

#include <algorithm>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/error.h"
#include "hub/api/operations.h"

namespace hivemind::tests {

// A hub of values: what the API shows of it is what the test has put in.
class FakeOperations : public hub::Operations {
 public:
  explicit FakeOperations(boost::asio::any_io_executor loop) : loop_(loop) {}

  hub::Inventory fleet;
  hub::HubStatus state;
  std::optional<std::string> why_not_ready;
  bool busy = false;
  std::vector<hub::StoredEvent> stored;
  hub::SyncResult sync_result;
  std::optional<Error> sync_failure;
  std::optional<hub::ConfirmEmpty> confirmed;
  std::string commanded;
  v1::Command asked;
  v1::CommandReply reply;
  std::optional<Error> command_failure;
  std::optional<hub::RenewPins> renewed;
  int rotations = 0;
  int resumptions = 0;
  std::optional<Error> trust_failure;
  std::function<void()> on_wait;  // called when a long poll begins to wait

  const hub::Inventory& inventory() const override { return fleet; }
  const hub::HubStatus& status() const override { return state; }
  std::optional<std::string> not_ready() const override { return why_not_ready; }
  bool settling() const override { return busy; }

  boost::asio::awaitable<hub::SyncResult> sync(hub::ConfirmEmpty confirm, hub::RenewPins renew) override {
    confirmed = confirm;
    renewed = renew;
    if (sync_failure) throw Error(*sync_failure);
    co_return sync_result;
  }

  boost::asio::awaitable<void> changed(std::uint64_t,
                                       std::chrono::steady_clock::time_point deadline) override {
    if (on_wait) {
      on_wait();
      co_return;
    }
    boost::asio::steady_timer timer(loop_, deadline);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }

  boost::asio::awaitable<v1::CommandReply> command(std::string node, v1::Command command) override {
    commanded = node + " " + command.adopt().stack() + " " + command.adopt().confirm();
    asked = command;
    if (command_failure) throw Error(*command_failure);
    co_return reply;
  }

  void rotate_key() override {
    if (trust_failure) throw Error(*trust_failure);
    ++rotations;
  }
  boost::asio::awaitable<hub::SyncResult> resume() override {
    if (trust_failure) throw Error(*trust_failure);
    ++resumptions;
    co_return sync_result;
  }

  std::vector<hub::StoredEvent> events(const hub::EventQuery& query) override {
    std::vector<hub::StoredEvent> found;
    for (const hub::StoredEvent& event : stored) {
      const bool is_asked_for = query.node.empty() || event.node == query.node;
      if (is_asked_for && event.id > query.after.value_or(0)) found.push_back(event);
    }
    return found;
  }
  std::int64_t last_event() override { return stored.empty() ? 0 : stored.back().id; }

 private:
  boost::asio::any_io_executor loop_;
};

}  // namespace hivemind::tests

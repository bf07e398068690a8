#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/mqtt/link.h"
#include "hub/api/operations.h"
#include "hub/api/routes.h"
#include "hub/api/server.h"
#include "hub/broker/broker.h"
#include "hub/change_signal.h"
#include "hub/commands.h"
#include "hub/config.h"
#include "hub/delivery.h"
#include "hub/git_worker.h"
#include "hub/intake.h"
#include "hub/pins/pinning.h"
#include "hub/publisher.h"
#include "hub/store/directory_lock.h"
#include "hub/store/store.h"
#include "hub/tracker.h"
#include "hub/trust/identity.h"
#include "hub/trust/token.h"

namespace hivemind::hub {

// The hub as a whole: owns the fleet's state and ties Git, the store, the broker and the API together.
//
// Thread: made and used on the loop thread; destroyed after the loop has run for the last time and before the
// loop itself. The constructor throws Error for everything that keeps a hub from starting; what goes wrong
// later is shown in the status and tried again.
class Hub : public Operations {
 public:
  Hub(boost::asio::any_io_executor loop, const Config& config);

  void start();
  // Stores what is pending and ends link, broker and API; then calls back.
  void stop(std::function<void()> on_stopped);

  const Inventory& inventory() const override { return inventory_; }
  const HubStatus& status() const override { return status_; }
  std::optional<std::string> not_ready() const override;
  bool settling() const override { return tracker_.settling() || pinning_.settling(); }
  boost::asio::awaitable<SyncResult> sync(ConfirmEmpty confirm, RenewPins renew) override;
  boost::asio::awaitable<void> changed(std::uint64_t state_version,
                                       std::chrono::steady_clock::time_point deadline) override;
  boost::asio::awaitable<v1::CommandReply> command(std::string node, v1::Command command) override;
  std::vector<StoredEvent> events(const EventQuery& query) override { return store_.events().find(query); }
  std::int64_t last_event() override { return store_.events().last_id(); }

 private:
  // hub.cpp
  void load();
  void changed_now();
  void flush_soon();
  void flush();
  void store_failed(const Error& error);
  void store_worked();

  // hub_git.cpp: what Git brought
  void prepare(GitTask& task, ConfirmEmpty confirm);
  SyncResult act(const GitOutcome& outcome, ConfirmEmpty confirm);
  void note_fetch(const GitOutcome& outcome);
  void act_on(const GitOutcome& outcome, ConfirmEmpty confirm, SyncResult& result);
  void act_on_deleted(const GitOutcome& outcome, ConfirmEmpty confirm, SyncResult& result);
  void hold(const std::string& revision, const std::string& why);
  Acted publish(const Compilation& compilation, Emptying emptying);
  bool newest_is_refused() const;
  void show_diagnostics();
  Pinning::Callbacks pinning_callbacks();

  // hub_link.cpp: what the broker brings
  std::unique_ptr<Broker> make_broker(const Config& config);
  std::unique_ptr<mqtt::Link> make_link();
  Delivery::Callbacks delivery_callbacks();
  Intake::Callbacks intake_callbacks();
  void broker_up();
  void link_up();
  void link_down(const std::string& why);
  void take(const mqtt::Message& message);
  void take_manifest(const std::string& node, const std::string& envelope);
  void repair_soon();
  void acknowledge(const std::string& node);
  void send_acks();

  boost::asio::any_io_executor loop_;
  DirectoryLock lock_;
  Identity identity_;
  ApiToken token_;
  Store store_;

  Inventory inventory_;
  HubStatus status_;
  std::string judged_;  // the revision that status_.desired.state is about
  ChangeSignal signal_;

  Delivery delivery_;
  Publisher publisher_;
  Intake intake_;
  Commands commands_;
  std::map<std::string, EventPosition> unsent_acks_;
  boost::asio::steady_timer flush_;
  bool flush_armed_ = false;
  boost::asio::steady_timer repair_;
  std::chrono::steady_clock::time_point repair_by_{};

  std::unique_ptr<Broker> broker_;  // null: an external one
  std::unique_ptr<mqtt::Link> link_;
  registry::Registries registries_;
  Pinning pinning_;
  Diagnostics compiled_;  // of the newest revision, as the compiler has them
  GitWorker worker_;
  Tracker tracker_;
  api::Routes routes_;
  api::Server server_;
};

}  // namespace hivemind::hub

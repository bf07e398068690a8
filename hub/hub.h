#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/mqtt/link.h"
#include "common/topics.h"
#include "hub/access/access_routes.h"
#include "hub/access/failure_limit.h"
#include "hub/access/refusal_limit.h"
#include "hub/api/broker_routes.h"
#include "hub/api/enrolment_routes.h"
#include "hub/api/fleet_routes.h"
#include "hub/api/operations.h"
#include "hub/api/routes.h"
#include "hub/api/secret_routes.h"
#include "hub/api/server.h"
#include "hub/api/trust_routes.h"
#include "hub/api_certificates.h"
#include "hub/broker/broker.h"
#include "hub/broker_access.h"
#include "hub/change_signal.h"
#include "hub/commands.h"
#include "hub/config.h"
#include "hub/delivery.h"
#include "hub/enrolment.h"
#include "hub/git_worker.h"
#include "hub/intake.h"
#include "hub/pins/pinning.h"
#include "hub/publisher.h"
#include "hub/secrets/secret_keeper.h"
#include "hub/store/directory_lock.h"
#include "hub/store/store.h"
#include "hub/tracker.h"
#include "hub/trust/authority.h"
#include "hub/trust/identity.h"
#include "hub/trust/restore_guard.h"
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
  void rotate_key() override;
  boost::asio::awaitable<SyncResult> resume() override;
  std::vector<StoredEvent> events(const EventQuery& query) override { return store_.events().find(query); }
  std::int64_t last_event() override { return store_.events().last_id(); }

  // What the API can be asked.
  const api::Table& routes() const { return routes_.table(); }
  std::uint16_t api_port() const { return server_.port(); }

 private:
  // hub.cpp
  void load();
  void changed_now();
  void flush_soon();
  void flush();
  void look_at_store();
  void check_store();
  void store_failed(const Error& error);
  void store_worked();

  // hub_enrolment.cpp: who is a node
  Enrolment::Callbacks enrolment_callbacks();
  api::EnrolmentFacts enrolment_facts(const Config& config);

  // hub_api.cpp: who asks, and what is written down of it
  std::unique_ptr<ApiCertificates> make_certificates(const Config& config);
  api::Server::Callbacks server_callbacks();
  api::Routes::Hooks route_hooks();
  void note_refusal(const api::Route& route, const api::Request& request, const api::Response& response);
  void tell_audit(const AuditedDeed& deed, unsigned status);
  void note_publication(const std::string& before, const SyncResult& result);

  // hub_git.cpp: what Git brought
  void prepare(GitTask& task, ConfirmEmpty confirm);
  SyncResult act(const GitOutcome& outcome, ConfirmEmpty confirm);
  void note_fetch(const GitOutcome& outcome);
  void act_on(const GitOutcome& outcome, ConfirmEmpty confirm, SyncResult& result);
  void refuse_unsigned(const GitOutcome& outcome);
  void act_on_deleted(const GitOutcome& outcome, ConfirmEmpty confirm, SyncResult& result);
  void hold(const std::string& revision, const std::string& why);
  Acted publish(const Compilation& compilation, Emptying emptying);
  bool newest_is_refused() const;
  void show_diagnostics();
  Pinning::Callbacks pinning_callbacks();

  // hub_link.cpp: what the broker brings
  std::unique_ptr<Broker> make_broker(const Config& config);
  std::unique_ptr<BrokerAccess> make_access(const Config& config);
  std::unique_ptr<mqtt::Link> make_link();
  Delivery::Callbacks delivery_callbacks();
  Intake::Callbacks intake_callbacks();
  void broker_up();
  void link_up();
  void link_down(const std::string& why);
  void take(const mqtt::Message& message);
  void take_away(const mqtt::Message& message);
  void take_reply(const topics::ReplyTopic& topic, const mqtt::Message& message);
  bool is_shut_out(const std::string& node) const;
  bool is_stranger(const std::string& node) const;
  bool is_worth_telling(const std::string& node, const std::string& what);
  void shut_out(const std::string& node);
  void take_manifest(const std::string& node, const std::string& envelope);
  void look_at_broker();
  void repair_soon();
  void acknowledge(const std::string& node);
  void send_acks();

  // hub_trust.cpp: its key, and what it has forgotten
  void load_guard();
  bool has_key(std::string_view id) const;
  void guard_report(const std::string& node);
  void guard_stamp(const std::string& node);
  void guard_node(const std::string& node, std::uint64_t generation);
  void guard_manifest(const std::string& node, const std::string& envelope);
  bool is_forgotten(const ForgottenManifest& manifest);
  void number_above(const std::string& node, std::uint64_t generation);
  void note_forgotten(ForgottenManifest manifest);
  void hold_back(const GitOutcome& outcome);
  bool sign_anew();
  boost::asio::awaitable<SyncResult> act_held();
  void show_trust();

  // hub_secrets.cpp
  std::optional<SealKey> sealing_key(const std::string& node) const;
  std::set<std::string, std::less<>> reached_nodes() const;
  registry::Options registry_options(const Config& config);
  boost::asio::awaitable<api::Response> answer(api::Request request);
  api::SecretHooks secret_hooks();
  std::vector<SecretUser> secret_users(const std::string& name) const;

  boost::asio::any_io_executor loop_;
  std::filesystem::path data_dir_;
  DirectoryLock lock_;
  Identity identity_;
  Authority authority_;
  ApiToken token_;
  Store store_;
  AccessTokens tokens_;
  AuditLog audit_;
  FailureLimit failures_;
  RefusalLimit refusals_;
  RefusalLimit told_;  // of what nodes say
  std::shared_ptr<Redactor> redactor_ = std::make_shared<Redactor>();
  SecretKeeper secrets_;
  // Secret -> stacks, of what was compiled last; nothing: nothing was.
  std::optional<std::map<std::string, std::set<std::string>>> secret_uses_;

  Inventory inventory_;
  HubStatus status_;
  std::string judged_;  // the revision that status_.desired.state is about
  ChangeSignal signal_;
  RestoreGuard guard_;
  bool guard_stored_ = true;
  bool is_resuming_ = false;  // an operator has let it go on, if the newest revision can be acted on

  Enrolment enrolment_;
  Delivery delivery_;
  Publisher publisher_;
  Intake intake_;
  Commands commands_;
  std::map<std::string, EventPosition> unsent_acks_;
  boost::asio::steady_timer flush_;
  bool flush_armed_ = false;
  boost::asio::steady_timer repair_;
  std::chrono::steady_clock::time_point repair_by_{};
  std::optional<std::chrono::steady_clock::time_point> looked_at_store_;
  bool looked_at_broker_ = false;  // before that nothing is sent which could hide what it has

  std::unique_ptr<BrokerAccess> access_;  // null: a broker without TLS
  std::unique_ptr<Broker> broker_;        // null: an external one
  std::unique_ptr<mqtt::Link> link_;
  registry::Registries registries_;
  Pinning pinning_;
  Diagnostics compiled_;  // of the newest revision, as the compiler has them
  GitWorker worker_;
  Tracker tracker_;
  api::Routes routes_;
  std::unique_ptr<ApiCertificates> certificates_;  // null: the API speaks plain HTTP
  api::Server server_;
};

}  // namespace hivemind::hub

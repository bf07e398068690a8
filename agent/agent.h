#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/adopt/adopter.h"
#include "agent/apply/reconciler.h"
#include "agent/identity/renewer.h"
#include "agent/link/command_judge.h"
#include "agent/link/hub_link.h"
#include "agent/link/judge.h"
#include "agent/node/facts.h"
#include "agent/node/purge.h"
#include "agent/outbox.h"
#include "agent/plan/node_report.h"
#include "agent/store/memory.h"
#include "agent/trouble.h"
#include "agent/trust/trusted_key.h"
#include "common/defaults.h"
#include "common/envelope.h"
#include "common/sealing.h"

namespace hivemind::agent {

struct Identity {
  std::string node;
  std::map<std::string, std::string> labels;
  VerifyKey hub_key;  // as it was given
  // Where an enrolled node keeps it; beside it stand the keys that took its place. Empty: they stand in the
  // data directory.
  std::filesystem::path hub_key_file = {};
  std::shared_ptr<const OpenKey> sealing_key = nullptr;  // opens secrets; null: the node is not enrolled
};

// What of a report is worth a write: not its time, its session, and its vitals.
std::string content_of(v1::Report report);

// What an operator may change.
struct Tuning {
  std::chrono::milliseconds heartbeat{};  // between two reports in which nothing has changed
  unsigned parallel_pulls = 1;
  std::optional<std::int64_t> disk_reserve_bytes = {};                    // as Pulls::Options::reserve_bytes
  std::filesystem::path secrets_directory = defaults::kSecretsDirectory;  // absolute
  Policy policy = {};
};

// One node's agent: takes manifests from the link, remembers them, has the reconciler run them, and reports.
// Loop thread. The engine must outlive the loop's last turn.
class Agent : public std::enable_shared_from_this<Agent> {
 public:
  // Throws kInvalid for a broker URL that cannot be used.
  static std::shared_ptr<Agent> create(boost::asio::any_io_executor loop, Engine& engine, Identity identity,
                                       std::filesystem::path data_directory, const BrokerOptions& broker,
                                       Tuning tuning);

  // For an enrolled node, before it is started: its certificate is renewed in time.
  void stay_enrolled(const IdentityDirectory& directory);

  void start();
  // Knows all secrets of this node that are known.
  std::shared_ptr<const Redactor> redactor() const { return vault_->redactor(); }
  // Says goodbye to the broker and writes what is left to write; within 3 s. Containers go on.
  void stop();

 private:
  Agent(boost::asio::any_io_executor loop, Engine& engine, Identity identity,
        std::filesystem::path data_directory, Tuning tuning);
  void connect(const BrokerOptions& broker);

  // Manifests.
  void on_loaded();
  void on_saved();
  void on_manifest(const std::string& envelope);
  void accept(AcceptedManifest accepted, const std::string& envelope);
  void adopt(std::shared_ptr<const Desired> desired);
  void refuse(RefusedManifest refused);
  bool follow_hub_key(std::string_view kind, const std::string& envelope);  // agent_trust.cpp
  std::string left_key_text() const;
  void start_reconciler();
  Past remembered() const;
  std::optional<std::int64_t> window_clock_s() const;

  // Commands (agent_commands.cpp).
  void begin_session();
  void on_command(const std::string& envelope);
  boost::asio::awaitable<void> obey(v1::Command command);
  boost::asio::awaitable<void> take_over(const v1::Adopt& command, v1::CommandReply& reply);
  void remember_adopted(const Takeover& takeover, v1::CommandReply& reply);
  void sweep_scratch();
  void require_desired(const std::string& stack) const;
  void retry(const v1::Retry& command, v1::CommandReply& reply);
  void apply_now(const v1::ApplyNow& command, v1::CommandReply& reply);
  boost::asio::awaitable<void> purge(const v1::Purge& command, v1::CommandReply& reply);

  // The node's certificate and clock (agent_identity.cpp).
  void on_down(const std::string& why);
  void on_renewed(std::int64_t until_s);
  void on_renewal_failed(const std::string& why);
  HubContact hub_contact() const;
  std::string clock_doubt_now() const;
  void mind_the_clock();

  // Reports and events.
  void on_up();
  void on_past();
  void report_soon();
  void report_now();
  void publish(v1::Report report, std::string content);
  void beat_later();
  void save_soon(v1::Report report, std::chrono::milliseconds pause);
  void save_report();
  NodeStanding node_standing() const;
  v1::Report compose(const NodeStanding& standing) const;
  void note_applied(const NodeStanding& standing);
  bool announce(const v1::Report& report);
  void tell(Happening happening, const std::string& revision);
  void reply(v1::CommandReply reply);
  std::string current_revision() const;

  boost::asio::any_io_executor loop_;
  Engine& engine_;
  Identity identity_;
  std::filesystem::path data_directory_;
  TrustedKey trusted_;
  boost::asio::steady_timer follow_timer_;  // the hub's new key could not be stored
  std::shared_ptr<Vault> vault_;
  std::unique_ptr<HubLink> link_;
  std::shared_ptr<Renewer> renewer_;  // none: not enrolled
  std::string renewal_failure_;       // since the last renewal
  bool clock_doubted_ = false;
  Memory memory_;
  Outbox outbox_;
  std::shared_ptr<Reconciler> reconciler_;  // none until the store was opened or a manifest has come
  Adopter adopter_;
  bool adopting_ = false;
  Facts facts_;
  Purge purge_;
  bool purging_ = false;
  bool swept_ = false;
  CommandFacts commands_;
  Newest newest_;
  std::int64_t issued_at_ms_ = 0;           // when the hub issued it
  std::shared_ptr<const Desired> waiting_;  // accepted, but not on the disk yet
  std::shared_ptr<const Desired> desired_;
  std::optional<Refusal> refusal_;
  std::map<std::string, std::string> announced_;  // what the last event of each stack said
  std::string published_;                         // the last report, without its time and vitals
  std::string saved_;                             // likewise, as the store has it, without its session
  boost::asio::steady_timer report_timer_;
  bool report_due_ = false;
  boost::asio::steady_timer save_timer_;
  std::optional<std::chrono::steady_clock::time_point> save_due_;
  std::chrono::steady_clock::time_point saved_at_{};
  Tuning tuning_;
  boost::asio::steady_timer heartbeat_timer_;
};

}  // namespace hivemind::agent

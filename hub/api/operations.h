#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "hivemind/v1/command.pb.h"
#include "hub/desired/diagnostic.h"
#include "hub/inventory/inventory.h"
#include "hub/inventory/status.h"
#include "hub/store/event_log.h"

namespace hivemind::hub {

enum class ConfirmEmpty { kNo, kYes };
enum class RenewPins { kNo, kYes };

struct SyncResult {
  enum class State { kApplied, kUnchanged, kInvalid, kHeld, kUnsigned, kFetchFailed };
  std::string revision;
  bool changed = false;  // the fetch brought another revision than the one before
  State state = State::kUnchanged;
  std::string error;
  Diagnostics diagnostics;
  std::vector<std::string> published;  // nodes that got a new manifest
};

// What the API needs of the hub. Everything runs on the loop thread; references hold until the next
// suspension.
class Operations {
 public:
  virtual ~Operations() = default;

  virtual const Inventory& inventory() const = 0;
  virtual const HubStatus& status() const = 0;
  // Why the hub cannot do its work yet; nothing when it can.
  virtual std::optional<std::string> not_ready() const = 0;
  // Nodes are known whose manifest is still being made.
  virtual bool settling() const = 0;

  // Fetches, compiles and publishes now. Throws when the outcome could not be stored.
  // renew: registries are asked again for the digests of all pinned images.
  virtual boost::asio::awaitable<SyncResult> sync(ConfirmEmpty confirm, RenewPins renew) = 0;

  // Returns when state_version is another than the one given, or at the deadline.
  virtual boost::asio::awaitable<void> changed(std::uint64_t state_version,
                                               std::chrono::steady_clock::time_point deadline) = 0;

  // Has the node do it, and returns its reply; the command needs its action only. Throws kNotFound for a node
  // that is not known, kConflict for one that is away, kUnavailable when it does not reply in time.
  virtual boost::asio::awaitable<v1::CommandReply> command(std::string node, v1::Command command) = 0;

  // A new signing key; all manifests are signed with it. Throws kConflict while the hub holds back.
  virtual void rotate_key() = 0;
  // A person has looked at what a restored hub would do: it fetches, compiles and publishes again. Throws
  // kConflict when it does not hold back, kUnavailable when the newest revision cannot be fetched: then it
  // goes on holding.
  virtual boost::asio::awaitable<SyncResult> resume() = 0;

  virtual std::vector<StoredEvent> events(const EventQuery& query) = 0;
  virtual std::int64_t last_event() = 0;
};

}  // namespace hivemind::hub

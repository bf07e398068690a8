#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "common/envelope.h"
#include "hub/store/store.h"

namespace hivemind::hub {

// Sees to it that the broker holds every node's newest manifest: sends what it has not acknowledged, a
// bounded number at a time, and what it turns out to have lost. Knows no broker: whoever makes it says how to
// send. For the loop thread.
class Delivery {
 public:
  static constexpr std::size_t kMaxInFlight = 500;

  struct Callbacks {
    // The bytes of the node's newest manifest. May throw Error: it is tried again with the next round.
    std::function<std::string(const std::string& node)> envelope;
    // False when there is no connection.
    std::function<bool(const std::string& node, std::string envelope, std::function<void()> on_delivered)>
        send;
    std::function<void(const std::string& node, std::uint64_t generation)> on_published;
  };

  explicit Delivery(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}

  // What the store remembers, at the start.
  void restore(const StoredManifest& manifest);
  // The node's newest manifest has changed and is stored: send it.
  void replace(const std::string& node, std::uint64_t generation, std::string envelope_sha256);

  // The node is none any more: the broker is to hold no manifest for it, until the next one replaces it.
  void withdraw(const std::string& node);

  // Goes on with what is queued, after a failure that has passed.
  void resume() { pump(); }

  // Sends nothing, and repairs nothing, until it may again. At the start it may.
  void hold() { held_ = true; }
  void let_go();

  // The connection came up or was lost. What was under way counts as not sent.
  void up();
  void down();

  // The broker has this as the node's manifest. False when it is the newest, which needs no further look.
  bool seen(const std::string& node, const std::string& envelope);
  // All that the broker holds has been seen: send what is missing there or differs. Returns how many.
  std::size_t repair();

  // Manifests that the broker has not acknowledged.
  std::size_t outstanding() const;

 private:
  enum class State { kQueued, kInFlight, kPublished };
  struct Entry {
    std::uint64_t generation = 0;
    std::string sha256;
    std::string seen_sha256;  // on the broker, in this connection; empty: nothing seen
    State state = State::kQueued;
    bool is_withdrawn = false;
  };

  void enqueue(const std::string& node, Entry& entry);
  void pump();
  bool send(const std::string& node, Entry& entry);
  void delivered(const std::string& node, const std::string& sha256, std::uint64_t connection);

  Callbacks callbacks_;
  std::map<std::string, Entry> entries_;
  std::deque<std::string> queue_;
  std::size_t in_flight_ = 0;
  std::uint64_t connection_ = 0;  // tells acknowledgements of a lost connection apart
  bool up_ = false;
  bool held_ = false;
};

}  // namespace hivemind::hub

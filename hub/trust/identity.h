#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/envelope.h"

namespace hivemind::hub {

// One of the keys that a hub has signed with.
struct KeyRecord {
  VerifyKey key;
  std::int64_t made_at_ms = 0;  // Unix time; 0: not known
};

// Who the hub is to its nodes: <directory>/signing.key (0600) and, for the nodes to be given,
// <directory>/hub.pub (0644). Made on the first start. hub.pub is written again when it does not belong to
// the key.
//
// signing.key holds the secret of the newest key, and behind it how the hub came to it: a line for each key
// that it has had. So one rename makes a rotation, and one file is the backup of all of it.
//
// Throws kCorrupt for a file that holds something else, kDenied for one that others can read, and kExhausted
// or kUnavailable when a file cannot be written.
class Identity {
 public:
  explicit Identity(const std::filesystem::path& directory, std::int64_t now_ms = 0);

  const SigningKey& key() const { return signer_.key(); }
  const Signer& signer() const { return signer_; }
  // Oldest first; the last one is in force.
  const std::vector<KeyRecord>& history() const { return history_; }
  // Tells hubs that share a broker apart: the id of the first key.
  std::string hub_id() const { return history_.front().key.id(); }

  // A new key takes the place of the one in force, which says so and is gone then. Once this returns it is on
  // the disk; when it throws, nothing has changed.
  void rotate(std::int64_t now_ms);

 private:
  void load(const std::string& text);
  void show_public_key() const;

  std::filesystem::path directory_;
  Signer signer_;
  std::vector<KeyRecord> history_;
};

}  // namespace hivemind::hub

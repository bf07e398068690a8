#pragma once

#include <filesystem>
#include <string>

#include "common/envelope.h"

namespace hivemind::hub {

// Who the hub is to its nodes: <directory>/signing.key (0600) and, for the nodes to be given,
// <directory>/hub.pub (0644). Made on the first start. hub.pub is written again when it does not belong to
// the key. Throws what SigningKey::load_or_create throws, and kExhausted or kUnavailable when a file cannot
// be written.
class Identity {
 public:
  explicit Identity(const std::filesystem::path& directory);

  const SigningKey& key() const { return key_; }
  // Tells hubs that share a broker apart: the id of the key.
  std::string hub_id() const { return key_.verify_key().id(); }

 private:
  SigningKey key_;
};

}  // namespace hivemind::hub

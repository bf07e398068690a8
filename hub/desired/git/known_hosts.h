#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace hivemind::hub::git {

enum class HostKeyMatch {
  kKnown,
  kUnknown,    // no line for this host
  kOtherType,  // lines for this host, but none with a key of this type
  kChanged,    // a line for this host with another key of this type: perhaps somebody in the middle
  kRevoked,    // marked @revoked
};

struct HostKey {
  std::string_view host;
  int port = 22;
  std::string_view key;  // as on the wire: its type, then its numbers (RFC 4253, 6.6)
};

// What a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) says of a key: plain, wildcard, negated and
// hashed names,
// "[host]:port", @revoked. Lines of certificate authorities and those that cannot be read are passed over.
// Pure.
HostKeyMatch match_host_key(std::string_view known_hosts, const HostKey& key);

// Throws kDenied, with the key's fingerprint and a remedy, for anything but a known key.
void require_known_host(const std::filesystem::path& known_hosts, const HostKey& key);

}  // namespace hivemind::hub::git

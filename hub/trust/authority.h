#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "common/x509/x509.h"

namespace hivemind::hub {

// The name of the hub's own MQTT client: no node's id begins with '_'.
inline constexpr const char* kHubClientName = "_hub";
inline constexpr const char* kBrokerName = "hivemind-broker";

// A private key and its certificate.
struct KeyPair {
  std::string key;    // PEM
  std::string chain;  // PEM: the certificate, then the intermediates up to a root, which is left out

  // Both in one text, so that a file of them is always a pair: what Mosquitto and OpenSSL read as
  // certificate, chain and key.
  std::string pem() const { return key + chain; }
};

// What a server is reached by.
struct ServerNames {
  std::vector<std::string> dns;
  std::vector<std::string> addresses;

  bool operator==(const ServerNames&) const = default;
};

// What this machine is called; "" when that can be no name of a server.
std::string machine_name();

// 'hivemind-hub' (which enrolled agents ask for, whatever address they dial), localhost and its addresses,
// this machine's name, and the hosts: names or addresses, of which those that mean any address are left out.
// Sorted, each once. Throws kInvalid for a host that is neither.
ServerNames server_names(const std::vector<std::string>& hosts);

// The hub's certificate authority: says who is a node, who the broker, who the hub. Nobody else trusts it but
// for that.
//
// A value that does not change; any thread may use it. Files: <directory>/ca.key (0600) and
// <directory>/ca.pem (0644), which holds what nodes and broker are to trust: this authority alone, also when
// it is an intermediate of another one.
class Authority {
 public:
  struct Given {
    std::filesystem::path
        certificate;  // PEM: the intermediate, then what leads to its root; empty: a root of our own
    std::filesystem::path key;
  };

  // Reads the authority, or makes one, or takes the one that is given. Throws kCorrupt or kDenied for files
  // that are not what they should be, kInvalid when a given pair does not belong together or may not sign
  // certificates, kNotFound when the key of ca.pem is gone, kUnavailable when files cannot be looked at.
  static Authority load_or_create(const std::filesystem::path& directory, const Given& given = {});

  const x509::Certificate& certificate() const { return certificate_; }
  std::string fingerprint() const { return certificate_.fingerprint(); }  // 64 hex digits
  std::string anchor_pem() const { return certificate_.anchor_pem(); }    // what ca.pem holds

  // For a key that its owner has shown a request for. None outlives the authority.
  x509::Certificate issue_node(const x509::PublicKey& key, const std::string& node,
                               x509::sys_seconds not_after) const;
  // The certificate and what stands between it and the root, for a peer that trusts the root.
  std::string chain(const x509::Certificate& certificate) const;

  // With new keys.
  KeyPair issue_server(const ServerNames& names, x509::sys_seconds not_after) const;
  // For a broker on a machine of somebody else's: not under the name by which agents know the hub, so that
  // who holds the broker cannot be the hub for them.
  KeyPair issue_broker(ServerNames names, x509::sys_seconds not_after) const;
  KeyPair issue_hub_client(x509::sys_seconds not_after) const;
  // To take over the session of a node that has been revoked: its name, with a key that is ours, for some
  // minutes.
  KeyPair issue_takeover(const std::string& node, x509::sys_seconds now) const;

  // The pair in the file (0600), when this authority has issued it for these names and less than two thirds
  // of its life have passed, or it ends with the authority, so that a new one would be no better; otherwise a
  // new one, which is written first. So it can be called at each start, and from time to time.
  KeyPair keep_server(const std::filesystem::path& file, const ServerNames& names,
                      x509::sys_seconds now) const;
  KeyPair keep_hub_client(const std::filesystem::path& file, x509::sys_seconds now) const;

  // PEM, for what reads it as always current. The number must grow with every list that is published.
  std::string revocation_list(const std::vector<std::string>& serials, std::int64_t number) const;

 private:
  Authority(x509::Certificate certificate, x509::PrivateKey key, std::string intermediates)
      : certificate_(std::move(certificate)),
        key_(std::move(key)),
        intermediates_(std::move(intermediates)) {}
  static Authority take(const Given& given);
  static Authority own(const std::filesystem::path& directory);
  KeyPair issue(x509::Profile profile) const;
  KeyPair keep(const std::filesystem::path& file, const x509::Profile& profile, x509::sys_seconds now) const;

  x509::Certificate certificate_;
  x509::PrivateKey key_;
  std::string intermediates_;  // PEM, from this one on; empty for a root
};

}  // namespace hivemind::hub

#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "hub/broker/broker.h"
#include "hub/trust/authority.h"

namespace hivemind::hub {

// The files that a broker with mutual TLS, and the hub as its client, are made of. All are 0600, and each can
// be made again at any time: they are functions of the authority, of the names and of who is revoked.
//
// For the loop thread. Every call throws kUnavailable or kExhausted when a file cannot be written; then it is
// as it was.
class BrokerCredentials {
 public:
  struct Renewed {
    bool server = false;  // the broker must read its files again
    bool client = false;  // the hub must connect anew
  };

  // Makes the directory, mode 0700. The authority must outlive this.
  BrokerCredentials(const Authority& authority, std::filesystem::path directory, ServerNames names);

  // Writes what is missing, what is not as it should be, and certificates that have served two thirds of
  // their life. To be called at the start and from time to time.
  Renewed renew(x509::sys_seconds now);

  // Who is not let in any more, from when the broker reads it: the authority's list, as PEM. False: the file
  // revokes the same certificates already, and is left alone.
  bool revoke(const std::string& list);

  // One of the files that broker and hub cannot do without, which is not there; nothing: all are. Those that
  // an earlier run has written will do when this one cannot write.
  std::optional<std::filesystem::path> missing() const;

  // To be a node that was revoked, for some minutes: key and certificate in a new file. Remove it afterwards.
  std::filesystem::path make_takeover(const std::string& node, x509::sys_seconds now) const;

  BrokerTlsFiles broker_files() const;
  std::filesystem::path ca_file() const { return directory_ / "ca.pem"; }
  std::filesystem::path client_file() const { return directory_ / "hub.pem"; }

 private:
  bool says_the_same(const std::string& written, const std::string& list) const;

  const Authority& authority_;
  std::filesystem::path directory_;
  ServerNames names_;
};

}  // namespace hivemind::hub

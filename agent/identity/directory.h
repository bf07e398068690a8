#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "agent/identity/identity.h"
#include "agent/identity/token.h"
#include "common/sealing.h"

namespace hivemind::agent {

// What an enrolment ends with, all of it checked.
struct NewIdentity {
  Enrolment enrolment;
  Credential credential;
  std::string ca;       // PEM, as OpenSSL takes it for an anchor
  std::string hub_key;  // the text of the hub's hub.pub
};

// The keys that a node has made for itself, and asks with.
struct PendingKeys {
  x509::PrivateKey key;
  std::string seal_key;  // text of the public half
};

// The directory `identity` of a data directory: files of mode 0600 in a directory of mode 0700.
//
// It comes into being by one rename of `identity.new`, and what is replaced in it later is replaced by one
// rename, too, each synced: a process that is killed, or a power cut, at any point leaves no identity or a
// whole one, the one before or the next. Everything that writes is for the one who holds the data directory
// (DataDirectory). Any thread.
class IdentityDirectory {
 public:
  explicit IdentityDirectory(std::filesystem::path data_directory);

  std::filesystem::path path() const { return data_directory_ / "identity"; }
  std::filesystem::path client_file() const { return path() / "client.pem"; }
  std::filesystem::path ca_file() const { return path() / "ca.pem"; }
  std::filesystem::path hub_key_file() const { return path() / "hub.pub"; }
  std::filesystem::path sealing_key_file() const { return path() / "sealing.key"; }

  bool exists() const;
  // Throws kNotFound where there is none, kCorrupt, naming the file, kDenied for keys that others can read.
  Enrolment enrolment() const;
  Credential credential() const;
  x509::Certificate ca() const;

  // Ends what a crash has interrupted, and takes away what rights others have to the keys.
  void recover() const;

  // The keys of an enrolment with this token: those of an earlier try, or new ones. They are on the disk, so
  // that a lost answer is asked for again with the same key.
  PendingKeys pending_keys(const EnrolmentToken& token) const;
  // The pending keys' certificate and the rest become the identity, in the place of one that is there.
  void establish(const NewIdentity& identity) const;

  // The key to renew with: that of an earlier try, or a new one. On the disk, as above.
  x509::PrivateKey renewal_key() const;
  // ca: empty where it is as before.
  void renew(const Credential& credential, const std::string& ca) const;

 private:
  std::filesystem::path pending() const { return data_directory_ / "identity.new"; }
  std::filesystem::path replaced() const { return data_directory_ / "identity.old"; }
  std::filesystem::path renewal_file() const { return path() / "renewal.pem"; }
  std::optional<PendingKeys> kept_keys(const EnrolmentToken& token) const;
  void swap_in() const;
  bool renewal_is_over() const;

  std::filesystem::path data_directory_;
};

}  // namespace hivemind::agent

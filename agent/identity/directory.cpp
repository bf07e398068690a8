#include "agent/identity/directory.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/descriptor.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"
#include "common/log.h"
#include "common/private_file.h"

namespace hivemind::agent {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kPrivate = 0600;
constexpr mode_t kPrivateDirectory = 0700;
// Of a pending enrolment; nothing of the finished one.
constexpr const char* kPendingKey = "client.key";
constexpr const char* kPendingToken = "token";

[[noreturn]] void fail(const fs::path& path, const char* verb) {
  const int error = errno;
  throw Error(error == ENOSPC || error == EDQUOT ? ErrorCode::kExhausted : ErrorCode::kUnavailable,
              "'{}' cannot be {}: {}", path.string(), verb, std::strerror(error));
}

void sync(const fs::path& directory) {
  Descriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) fail(directory, "synced");
}

void rename_over(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail(to, "put in place");
}

void remove_if_there(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail(path, "removed");
}

void remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error)
    throw Error(ErrorCode::kUnavailable, "'{}' cannot be removed: {}", path.string(), error.message());
}

void make_private(const fs::path& directory) {
  if (::mkdir(directory.c_str(), kPrivateDirectory) != 0 && errno != EEXIST) fail(directory, "made");
  if (::chmod(directory.c_str(), kPrivateDirectory) != 0) fail(directory, "made private");
}

// What others could read they may have read; but a node that nobody can walk to has to start.
void tighten(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || (status.st_mode & 07777u & ~kPrivate) == 0) return;
  if (::chmod(file.c_str(), kPrivate) != 0) return;  // told by who reads it
  log::warn(
      "'{}' had mode {:04o}, so others could read it: it is 0600 now (if they did, enrol this node anew)",
      file.string(), status.st_mode & 07777u);
}

// A digest: who finds the file cannot enrol with it.
std::string token_line(const EnrolmentToken& token) {
  return sha256_hex(token.ca_fingerprint + "." + token.credential()) + "\n";
}

template <typename Read>
auto parsed(const fs::path& file, Read read) {
  try {
    return read(file);
  } catch (const Error& error) {
    const bool is_damaged = error.code() != ErrorCode::kUnavailable &&
                            error.code() != ErrorCode::kExhausted && error.code() != ErrorCode::kDenied;
    if (!is_damaged) throw;
    throw Error(ErrorCode::kCorrupt, "'{}': {} (enrol this node anew: 'hivemind-agent enroll --force')",
                file.string(), error.what());
  }
}

}  // namespace

IdentityDirectory::IdentityDirectory(fs::path data_directory) : data_directory_(std::move(data_directory)) {}

bool IdentityDirectory::exists() const {
  std::error_code ignored;
  return fs::exists(path(), ignored) || fs::exists(replaced(), ignored);
}

Enrolment IdentityDirectory::enrolment() const {
  return parsed(path() / "node.json", [](const fs::path& file) { return Enrolment::parse(read_file(file)); });
}

Credential IdentityDirectory::credential() const {
  return parsed(client_file(), [](const fs::path& file) {
    return Credential::parse(read_private_file(file, "key").text());
  });
}

x509::Certificate IdentityDirectory::ca() const {
  return parsed(ca_file(), [](const fs::path& file) { return x509::Certificate::parse(read_file(file)); });
}

// What each line finds, it has found after a crash only.
void IdentityDirectory::recover() const {
  std::error_code ignored;
  if (!fs::exists(path(), ignored)) {
    if (!fs::exists(replaced(), ignored)) return;
    rename_over(replaced(), path());  // the next one was not in place yet
    sync(data_directory_);
  }
  if (fs::exists(replaced(), ignored)) remove_tree(replaced());
  // The keys of before, which have changed places with the new ones: those of an enrolment that is not done
  // have a token. A first one whose token is not written yet has nothing to be lost.
  if (fs::exists(pending(), ignored) && !fs::exists(pending() / kPendingToken, ignored))
    remove_tree(pending());
  // Kept until the enrolment was in place.
  remove_if_there(path() / kPendingKey);
  remove_if_there(path() / kPendingToken);
  for (const fs::path& file : {client_file(), sealing_key_file(), renewal_file()}) tighten(file);
  if (renewal_is_over()) remove_if_there(renewal_file());
}

// Whether the key in it is the node's by now, or none. A damaged identity is not the affair of this.
bool IdentityDirectory::renewal_is_over() const {
  try {
    return x509::PrivateKey::load(renewal_file()).public_key() == credential().key.public_key();
  } catch (const Error&) {
    return false;
  }
}

std::optional<PendingKeys> IdentityDirectory::kept_keys(const EnrolmentToken& token) const {
  try {
    if (read_file(pending() / kPendingToken) != token_line(token)) return std::nullopt;
    return PendingKeys{x509::PrivateKey::load(pending() / kPendingKey),
                       OpenKey::load(pending() / "sealing.key").seal_key().text()};
  } catch (const Error&) {
    return std::nullopt;  // none, or not all of them: nobody was asked with those yet
  }
}

PendingKeys IdentityDirectory::pending_keys(const EnrolmentToken& token) const {
  if (auto keys = kept_keys(token)) return std::move(*keys);
  remove_tree(pending());
  make_private(pending());
  sync(data_directory_);
  const x509::PrivateKey key = x509::PrivateKey::generate();
  const OpenKey sealing = OpenKey::generate();
  write_file_durably(pending() / kPendingKey, key.pem(), kPrivate);
  write_file_durably(pending() / "sealing.key", sealing.secret_text(), kPrivate);
  write_file_durably(pending() / kPendingToken, token_line(token), kPrivate);  // last: now they are whole
  return {key, sealing.seal_key().text()};
}

void IdentityDirectory::establish(const NewIdentity& identity) const {
  write_file_durably(pending() / "ca.pem", identity.ca, kPrivate);
  write_file_durably(pending() / "hub.pub", identity.hub_key, kPrivate);
  write_file_durably(pending() / "node.json", identity.enrolment.text(), kPrivate);
  write_file_durably(pending() / "client.pem", identity.credential.text(), kPrivate);
  swap_in();
  recover();
}

// One step where the file system can exchange two names. Where it cannot, there are two, and recover() takes
// the first one back.
void IdentityDirectory::swap_in() const {
  std::error_code ignored;
  if (!fs::exists(path(), ignored)) {
    rename_over(pending(), path());
  } else if (::renameat2(AT_FDCWD, pending().c_str(), AT_FDCWD, path().c_str(), RENAME_EXCHANGE) == 0) {
    sync(data_directory_);
    remove_tree(pending());
  } else {
    remove_tree(replaced());
    rename_over(path(), replaced());
    rename_over(pending(), path());
  }
  sync(data_directory_);
}

x509::PrivateKey IdentityDirectory::renewal_key() const {
  std::error_code ignored;
  if (fs::exists(renewal_file(), ignored) && !renewal_is_over()) {
    try {
      return x509::PrivateKey::load(renewal_file());
    } catch (const Error&) {
      // Damaged: nobody can have been asked with it, or the answer cannot be used any more.
    }
  }
  const x509::PrivateKey key = x509::PrivateKey::generate();
  write_file_durably(renewal_file(), key.pem(), kPrivate);
  return key;
}

// The CA first: with a new one and the old certificate the renewal is asked for again, and granted again.
void IdentityDirectory::renew(const Credential& credential, const std::string& ca) const {
  if (!ca.empty()) write_file_durably(ca_file(), ca, kPrivate);
  write_file_durably(client_file(), credential.text(), kPrivate);
  remove_if_there(renewal_file());
}

}  // namespace hivemind::agent

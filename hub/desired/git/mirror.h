#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "hub/desired/snapshot.h"
#include "hub/signatures/signers.h"

namespace hivemind::hub::git {

struct RemoteOptions {
  std::string url;  // file://, a plain path, http(s)://, ssh:// or user@host:path
  std::string branch = "main";
  std::string username{};  // http(s), or the ssh user when the URL has none
  std::filesystem::path password_file{};
  std::filesystem::path ssh_key{};            // private key; the public one is beside it or derived
  std::filesystem::path known_hosts{};        // empty: ~/.ssh/known_hosts
  std::chrono::milliseconds timeout{30'000};  // longest silence of the other side in a fetch
};

struct FetchResult {
  std::string revision;  // 40 hex
  bool changed = false;  // against the last fetch, in this process or an earlier one
};

// A bare mirror of one branch, in the hub's data directory. Objects are read straight from it; there is no
// work tree.
//
// Thread: one at a time (the Git worker). Snapshots stay readable while a later fetch runs, on that same
// thread. Errors of fetch(): kUnavailable (network, time-out: retry), kDenied (authentication, host key),
// kNotFound (no such repository or branch; an empty repository), kInvalid (the URL), kExhausted (disk),
// kCorrupt (the mirror: made anew by the next fetch). No message, log line or file ever holds a credential.
class Mirror {
 public:
  Mirror(std::filesystem::path directory, RemoteOptions options);
  ~Mirror();
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

  // Force-pushed branches are followed. A password in the URL is used, and kept off the disk.
  // The mirror does not grow for ever: see Store::compact().
  FetchResult fetch();

  // From any thread: makes a fetch that is under way throw kUnavailable soon, and later ones at once. Looking
  // up a host's name is the one thing that is not interrupted (the resolver gives up by itself).
  void cancel();

  // The last fetched revision of this branch and URL, also after a restart and without a network; nothing
  // before the first.
  std::optional<std::string> head() const;

  // Throws kNotFound for a commit that the mirror does not have.
  std::shared_ptr<const Snapshot> snapshot(const std::string& revision) const;

  // The files that differ, by descending only into trees whose ids differ.
  std::set<std::string> changed_paths(const std::string& from, const std::string& to) const;

  // What of a commit is signed, and the signature. Throws kNotFound for a commit that the mirror does not
  // have.
  CommitSignature signature(const std::string& revision) const;

  // One line for people: "Ada Lovelace, 2026-01-31: subject". Empty when unknown.
  std::string describe(const std::string& revision) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// The URL without user, password, query and fragment, to be shown and stored.
std::string redacted(const std::string& url);

}  // namespace hivemind::hub::git

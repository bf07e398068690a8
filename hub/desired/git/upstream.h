#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "hub/desired/git/interrupter.h"
#include "hub/desired/git/libgit.h"
#include "hub/desired/git/mirror.h"
#include "hub/desired/git/remote_url.h"

namespace hivemind::hub::git {

// The repository that is mirrored, during one fetch, on the fetch's thread. Errors as told by
// Mirror::fetch().
class Upstream {
 public:
  Upstream() = default;
  virtual ~Upstream() = default;
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  // Throws kNotFound, naming the branches that there are.
  virtual git_oid tip(const std::string& branch) const = 0;

  // Brings what the mirror lacks of this branch up to its tip, of no other branch and of no tag. Moves no
  // reference.
  virtual void download(const std::string& branch, const git_oid& tip) = 0;
};

// What a fetch keeps an eye on while it goes: whether it was cancelled, and whether the disk still has room.
class Watch {
 public:
  Watch(Interrupter& interrupter, std::string directory)
      : interrupter_(interrupter), directory_(std::move(directory)) {}

  // To be called whenever something has come. Throws kUnavailable when cancelled.
  void progress();
  // The same, of a download that has so many bytes by now. Throws kExhausted when the disk is nearly full.
  void progress(std::size_t received_bytes);
  // Throws kUnavailable when the call that has just failed did so because it was cancelled or timed out.
  void explain_failure() const;

 private:
  Interrupter& interrupter_;
  std::string directory_;
  std::size_t looked_at_ = 0;  // bytes received when free space was last looked at
};

// Connects, authenticates, and reads which branches there are: no more is needed to see that nothing changed.
// The repository, the options and the watch outlive it.
std::unique_ptr<Upstream> connect(git_repository* mirror, const RemoteUrl& url, const RemoteOptions& options,
                                  Watch& watch);

// kNotFound, for a branch that is not among those that there are.
[[noreturn]] void fail_without_branch(const RemoteUrl& url, const std::string& branch,
                                      std::vector<std::string> branches);

}  // namespace hivemind::hub::git

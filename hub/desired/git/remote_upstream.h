#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "common/error.h"
#include "hub/desired/git/mirror.h"
#include "hub/desired/git/upstream.h"

namespace hivemind::hub::git {

// One connection to the repository that is mirrored. Lives for one fetch, on its thread; the repository, the
// options and the interrupter outlive it. Errors as told by Mirror::fetch().
class RemoteUpstream : public Upstream {
 public:
  // Connects, authenticates, and reads which branches there are: no more is needed to see that nothing
  // changed.
  RemoteUpstream(git_repository* mirror, RemoteUrl url, const RemoteOptions& options, Watch& watch);
  ~RemoteUpstream() override;
  git_oid tip(const std::string& branch) const override;
  void download(const std::string& branch, const git_oid& tip) override;

 private:
  // Called by libgit2 in the course of a connect or a download; what they throw is kept and thrown after it
  // returned.
  template <typename Call>
  int guarded(Call call) noexcept;
  void give_credential(git_credential** out, unsigned allowed, const char* user_in_url);
  void give_ssh_key(git_credential** out, const std::string& user);
  void check_certificate(git_cert* certificate, const char* host);

  void connect();
  std::string user(const char* user_in_url) const;
  git_remote_callbacks callbacks();
  // What one of our callbacks refused, else what stopped the fetch, else libgit2's last error.
  [[noreturn]] void fail(int result) const;

  git_repository* mirror_;
  RemoteUrl url_;
  const RemoteOptions& options_;
  Watch& watch_;
  std::string password_;
  unsigned given_ = 0;            // the kinds of credentials that were handed over: each is tried once
  std::optional<Error> refused_;  // by one of our callbacks
  Remote remote_;
};

}  // namespace hivemind::hub::git

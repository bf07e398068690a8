#pragma once

#include <optional>
#include <string>

#include "hub/desired/git/upstream.h"

namespace hivemind::hub::git {

// A repository on this machine, read directly. libgit2's own local transport would copy every branch and tag,
// and read them all to see that nothing changed (transports/local.c, local_download_pack and store_refs).
class LocalUpstream : public Upstream {
 public:
  LocalUpstream(git_repository* mirror, RemoteUrl url, Watch& watch);

  git_oid tip(const std::string& branch) const override;
  void download(const std::string& branch, const git_oid& tip) override;

 private:
  class Search;
  [[noreturn]] void fail(int result) const;

  git_repository* mirror_;
  RemoteUrl url_;
  Watch& watch_;
  Repository repository_;
};

}  // namespace hivemind::hub::git

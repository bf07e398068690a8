#include "hub/desired/git/upstream.h"

#include <sys/statvfs.h>

#include "hub/desired/git/local_upstream.h"
#include "hub/desired/git/remote_upstream.h"

namespace hivemind::hub::git {
namespace {

constexpr std::size_t kNamedBranches = 10;
// libgit2 writes packs through a memory map of a sparse file (indexer.c, append_to_pack): on a full disk that
// is no error but SIGBUS, the end of the process. So a download stops while there is room.
constexpr std::size_t kSpareBytes = 16u << 20;
constexpr std::size_t kLookEveryBytes = 1u << 20;

}  // namespace

void Watch::progress() {
  if (interrupter_.cancelled()) throw Error(ErrorCode::kUnavailable, "the fetch was cancelled");
  interrupter_.progress();
}

void Watch::progress(std::size_t received_bytes) {
  progress();
  if (looked_at_ != 0 && received_bytes < looked_at_ + kLookEveryBytes) return;
  looked_at_ = received_bytes + 1;
  struct statvfs space {};
  if (::statvfs(directory_.c_str(), &space) != 0) return;
  const auto free_bytes = static_cast<std::size_t>(space.f_bavail) * space.f_frsize;
  if (free_bytes < kSpareBytes) {
    throw Error(ErrorCode::kExhausted,
                "the disk of '{}' is full: {} MiB left, {} MiB are kept free (make room)", directory_,
                free_bytes >> 20, kSpareBytes >> 20);
  }
}

void Watch::explain_failure() const {
  if (interrupter_.cancelled()) throw Error(ErrorCode::kUnavailable, "the fetch was cancelled");
  if (interrupter_.timed_out()) throw Error(ErrorCode::kUnavailable, "it does not answer (timed out)");
}

std::unique_ptr<Upstream> connect(git_repository* mirror, const RemoteUrl& url, const RemoteOptions& options,
                                  Watch& watch) {
  if (url.transport == RemoteUrl::Transport::kLocal)
    return std::make_unique<LocalUpstream>(mirror, url, watch);
  return std::make_unique<RemoteUpstream>(mirror, url, options, watch);
}

void fail_without_branch(const RemoteUrl& url, const std::string& branch, std::vector<std::string> branches) {
  if (branches.empty()) {
    throw Error(ErrorCode::kNotFound,
                "git remote '{}': the repository is empty (push a commit to branch '{}')", url.shown, branch);
  }
  std::string text;
  for (std::size_t i = 0; i < branches.size() && i < kNamedBranches; ++i) {
    text += (i == 0 ? "'" : ", '") + branches[i] + "'";
  }
  if (branches.size() > kNamedBranches) text += fmt::format(" and {} more", branches.size() - kNamedBranches);
  throw Error(ErrorCode::kNotFound, "git remote '{}': there is no branch '{}' (there is {})", url.shown,
              branch, text);
}

}  // namespace hivemind::hub::git

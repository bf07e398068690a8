#include "hub/desired/git/local_upstream.h"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace hivemind::hub::git {
namespace {

constexpr std::string_view kHeads = "refs/heads/";

}  // namespace

LocalUpstream::LocalUpstream(git_repository* mirror, RemoteUrl url, Watch& watch)
    : mirror_(mirror), url_(std::move(url)), watch_(watch) {
  std::error_code ignored;  // what cannot be looked at is told by libgit2
  if (!std::filesystem::exists(url_.plain, ignored) && !ignored) {
    throw Error(ErrorCode::kNotFound, "git remote '{}': there is no such directory", url_.shown);
  }
  git_repository* repository = nullptr;
  const int result =
      git_repository_open_ext(&repository, url_.plain.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr);
  if (result < 0) fail(result);
  repository_.reset(repository);
}

git_oid LocalUpstream::tip(const std::string& branch) const {
  git_oid tip;
  const std::string name = std::string(kHeads) + branch;
  const int result = git_reference_name_to_id(&tip, repository_.get(), name.c_str());
  if (result == 0) return tip;
  if (result != GIT_ENOTFOUND) fail(result);
  git_strarray all{};
  if (const int listed = git_reference_list(&all, repository_.get()); listed < 0) fail(listed);
  std::vector<std::string> branches;
  for (std::size_t i = 0; i < all.count; ++i) {
    const std::string_view found = all.strings[i];
    if (found.starts_with(kHeads)) branches.emplace_back(found.substr(kHeads.size()));
  }
  git_strarray_dispose(&all);
  std::sort(branches.begin(), branches.end());
  fail_without_branch(url_, branch, std::move(branches));
}

// All that the tip refers to and what the mirror has does not.
void LocalUpstream::add_missing(git_packbuilder* builder, const git_oid& tip) const {
  git_revwalk* walk = nullptr;
  if (const int result = git_revwalk_new(&walk, repository_.get()); result < 0) fail(result);
  const Walk owned(walk);
  if (const int result = git_revwalk_push(walk, &tip); result < 0) fail(result);
  git_strarray ours{};
  check(git_reference_list(&ours, mirror_), "git mirror: references");
  for (std::size_t i = 0; i < ours.count; ++i) {
    git_oid have;
    if (git_reference_name_to_id(&have, mirror_, ours.strings[i]) != 0) continue;
    git_revwalk_hide(walk, &have);  // fails for a commit that they have not (any more): then it hides nothing
  }
  git_strarray_dispose(&ours);
  if (const int result = git_packbuilder_insert_walk(builder, walk); result < 0) fail(result);
}

void LocalUpstream::download(const std::string&, const git_oid& wanted) {
  git_packbuilder* builder = nullptr;
  if (const int result = git_packbuilder_new(&builder, repository_.get()); result < 0) fail(result);
  const PackBuilder owned(builder);
  add_missing(builder, wanted);
  if (git_packbuilder_object_count(builder) == 0) return;
  struct Progress {
    Watch& watch;
    std::optional<Error> refused;
  } progress{watch_, std::nullopt};
  const auto on_progress = [](const git_indexer_progress* now, void* payload) -> int {
    auto* const to = static_cast<Progress*>(payload);
    try {
      to->watch.progress(now->received_bytes);
      return 0;
    } catch (const Error& error) {
      to->refused = error;
      return GIT_EUSER;
    }
  };
  const std::filesystem::path packs =
      std::filesystem::path(git_repository_path(mirror_)) / "objects" / "pack";
  const int result = git_packbuilder_write(builder, packs.c_str(), 0, on_progress, &progress);
  if (progress.refused) throw progress.refused->within(fmt::format("git remote '{}'", url_.shown));
  if (result < 0) fail(result);
}

void LocalUpstream::fail(int result) const {
  const Failure last = failure(result);
  // What is corrupt is theirs. That the mirror is damaged shows when it is read.
  const bool theirs = last.code == ErrorCode::kInternal || last.code == ErrorCode::kCorrupt;
  throw Error(theirs ? ErrorCode::kUnavailable : last.code, "git remote '{}': {}{}", url_.shown, last.words,
              result == GIT_EOWNER
                  ? " (run the hub as its owner, or name it as safe.directory in /etc/gitconfig)"
                  : "");
}

}  // namespace hivemind::hub::git

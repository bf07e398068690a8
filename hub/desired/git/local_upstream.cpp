#include "hub/desired/git/local_upstream.h"

#include <algorithm>
#include <filesystem>
#include <unordered_set>
#include <utility>

namespace hivemind::hub::git {
namespace {

constexpr std::string_view kHeads = "refs/heads/";
constexpr int kMaxDepth = 500;  // the search recurses; a deeper tree is an attack

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

// What the mirror has, it has with all that this refers to: packs are added whole, and removed only when
// nothing refers to them. So the search goes down only where it lacks something; git_packbuilder_insert_walk
// would look at all files.
class LocalUpstream::Search {
 public:
  Search(const LocalUpstream& upstream, git_packbuilder* builder) : upstream_(upstream), builder_(builder) {
    git_odb* objects = nullptr;
    check(git_repository_odb(&objects, upstream.mirror_), "git mirror");
    mirror_.reset(objects);
  }

  void add_commits(const git_oid& tip) {
    git_revwalk* walk = nullptr;
    require(git_revwalk_new(&walk, repository()));
    const Walk owned(walk);
    require(git_revwalk_push(walk, &tip));
    hide_ours(walk);
    git_oid id;
    int result = 0;
    while ((result = git_revwalk_next(&id, walk)) == 0) add_commit(id);
    if (result != GIT_ITEROVER) upstream_.fail(result);
  }

 private:
  git_repository* repository() const { return upstream_.repository_.get(); }
  void require(int result) const {
    if (result < 0) upstream_.fail(result);
  }

  bool known(const git_oid& id) const {
    return git_odb_exists_ext(mirror_.get(), &id, GIT_ODB_LOOKUP_NO_REFRESH) != 0;
  }

  void hide_ours(git_revwalk* walk) const {
    git_strarray ours{};
    check(git_reference_list(&ours, upstream_.mirror_), "git mirror: references");
    for (std::size_t i = 0; i < ours.count; ++i) {
      git_oid have;
      if (git_reference_name_to_id(&have, upstream_.mirror_, ours.strings[i]) != 0) continue;
      git_revwalk_hide(walk,
                       &have);  // fails for a commit that they have not (any more): then it hides nothing
    }
    git_strarray_dispose(&ours);
  }

  void add_commit(const git_oid& id) {
    git_commit* commit = nullptr;
    require(git_commit_lookup(&commit, repository(), &id));
    const Commit owned(commit);
    require(git_packbuilder_insert(builder_, &id, nullptr));
    add_tree(*git_commit_tree_id(commit), "", 0);
  }

  void add_tree(const git_oid& id, const char* name, int depth) {
    if (known(id) || !added_.insert(hex(id)).second) return;
    if (depth > kMaxDepth) {
      throw Error(ErrorCode::kExhausted, "git remote '{}': directories are nested more than {} deep",
                  upstream_.url_.shown, kMaxDepth);
    }
    git_tree* tree = nullptr;
    require(git_tree_lookup(&tree, repository(), &id));
    const Tree owned(tree);
    require(git_packbuilder_insert(builder_, &id, name));
    for (std::size_t i = 0; i < git_tree_entrycount(tree); ++i) {
      const git_tree_entry* const entry = git_tree_entry_byindex(tree, i);
      const git_oid& child = *git_tree_entry_id(entry);
      if (git_tree_entry_type(entry) == GIT_OBJECT_TREE) {
        add_tree(child, git_tree_entry_name(entry), depth + 1);
      } else if (git_tree_entry_type(entry) == GIT_OBJECT_BLOB && !known(child)) {
        require(git_packbuilder_insert(builder_, &child, git_tree_entry_name(entry)));
      }
    }
  }

  const LocalUpstream& upstream_;
  git_packbuilder* builder_;
  Odb mirror_;
  std::unordered_set<std::string> added_;  // trees, each looked through once
};

void LocalUpstream::download(const std::string&, const git_oid& wanted) {
  git_packbuilder* builder = nullptr;
  if (const int result = git_packbuilder_new(&builder, repository_.get()); result < 0) fail(result);
  const PackBuilder owned(builder);
  Search(*this, builder).add_commits(wanted);
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

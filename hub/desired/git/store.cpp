#include "hub/desired/git/store.h"

#include <algorithm>

#include "common/log.h"

namespace hivemind::hub::git {
namespace {

constexpr const char* kOurs = "refs/hivemind/*";

bool missing_or_empty(const std::filesystem::path& directory) {
  std::error_code error;
  if (!std::filesystem::exists(directory, error)) return true;
  return std::filesystem::is_directory(directory, error) && std::filesystem::is_empty(directory, error) &&
         !error;
}

}  // namespace

std::shared_ptr<Store> Store::open(const std::filesystem::path& directory) {
  if (missing_or_empty(directory)) return nullptr;
  std::shared_ptr<Store> store(new Store(directory));
  git_repository* repository = nullptr;
  const int result = git_repository_open_bare(&repository, directory.c_str());
  store->repository_.reset(repository);
  const std::string context = fmt::format("git mirror '{}'", directory.string());
  if (result == GIT_ENOTFOUND) throw Error(ErrorCode::kCorrupt, "{}: it is not a repository", context);
  if (result < 0) store->fail(result, context);
  store->remove_leftovers();
  return store;
}

std::shared_ptr<Store> Store::create(const std::filesystem::path& directory) {
  std::shared_ptr<Store> store(new Store(directory));
  git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
  options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
  options.mode = 0700;
  git_repository* repository = nullptr;
  const int result = git_repository_init_ext(&repository, directory.c_str(), &options);
  if (result < 0) {
    const Failure last = failure(result);
    const ErrorCode code = last.code == ErrorCode::kCorrupt ? ErrorCode::kUnavailable : last.code;
    throw Error(code, "git mirror '{}' cannot be made: {}", directory.string(), last.words);
  }
  store->repository_.reset(repository);
  return store;
}

void Store::fail(int result, const std::string& context) const {
  Failure last = failure(result);
  if (last.code == ErrorCode::kNotFound) last.code = ErrorCode::kCorrupt;  // something here refers to it
  if (last.code == ErrorCode::kCorrupt) suspect_ = true;
  throw Error(last.code, "{}: {}", context, last.words);
}

std::optional<git_oid> Store::reference(const std::string& name) const {
  git_oid id;
  const int result = git_reference_name_to_id(&id, repository_.get(), name.c_str());
  if (result == GIT_ENOTFOUND) return std::nullopt;
  if (result < 0) fail(result, "git mirror: reference");
  return id;
}

void Store::set_reference(const std::string& name, const git_oid& target) {
  git_reference* reference = nullptr;
  const int result = git_reference_create(&reference, repository_.get(), name.c_str(), &target, 1, nullptr);
  const Reference owned(reference);
  check(result, "git mirror: reference");
}

void Store::keep_references(const std::vector<std::string>& names) {
  git_strarray found{};
  check(git_reference_list(&found, repository_.get()), "git mirror: references");
  const std::vector<std::string> all(found.strings, found.strings + found.count);
  git_strarray_dispose(&found);
  for (const std::string& name : all) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    check(git_reference_remove(repository_.get(), name.c_str()), "git mirror: reference");
  }
}

Commit Store::commit(const git_oid& id) const {
  git_commit* commit = nullptr;
  const int result = git_commit_lookup(&commit, repository_.get(), &id);
  if (result == GIT_ENOTFOUND)
    throw Error(ErrorCode::kNotFound, "commit '{}' is not in the git mirror", hex(id));
  if (result < 0) fail(result, fmt::format("git mirror: commit '{}'", hex(id)));
  return Commit(commit);
}

Tree Store::tree_of(const git_commit* commit) const {
  return tree(*git_commit_tree_id(commit));
}

Tree Store::tree(const git_oid& id) const {
  git_tree* tree = nullptr;
  const int result = git_tree_lookup(&tree, repository_.get(), &id);
  if (result < 0) fail(result, fmt::format("git mirror: tree '{}'", hex(id)));
  return Tree(tree);
}

std::vector<std::filesystem::path> Store::packs() const {
  std::vector<std::filesystem::path> found;
  std::error_code ignored;  // no directory: no packs
  for (const auto& file : std::filesystem::directory_iterator(directory_ / "objects" / "pack", ignored)) {
    if (file.path().extension() == ".pack") found.push_back(file.path());
  }
  return found;
}

// A process that was killed in a fetch leaves an unfinished pack behind.
void Store::remove_leftovers() const {
  std::error_code ignored;  // what cannot be removed only takes space
  for (const auto& file : std::filesystem::directory_iterator(directory_ / "objects" / "pack", ignored)) {
    if (!file.path().filename().string().starts_with("pack-")) std::filesystem::remove(file.path(), ignored);
  }
}

void Store::compact() {
  const std::vector<std::filesystem::path> before = packs();
  if (before.size() <= kMaxPacks) return;
  git_revwalk* walk = nullptr;
  check(git_revwalk_new(&walk, repository_.get()), "git mirror: compaction");
  const Walk owned_walk(walk);
  check(git_revwalk_push_glob(walk, kOurs), "git mirror: compaction");
  git_packbuilder* builder = nullptr;
  check(git_packbuilder_new(&builder, repository_.get()), "git mirror: compaction");
  const PackBuilder owned_builder(builder);
  if (const int result = git_packbuilder_insert_walk(builder, walk); result < 0)
    fail(result, "git mirror: compaction");
  check(git_packbuilder_write(builder, nullptr, 0, nullptr, nullptr), "git mirror: compaction");
  const std::string written = fmt::format("pack-{}", git_packbuilder_name(builder));
  std::error_code ignored;  // a pack that stays only takes space
  for (std::filesystem::path pack : before) {
    if (pack.stem() == written) continue;
    std::filesystem::remove(pack.replace_extension(".idx"), ignored);
    std::filesystem::remove(pack.replace_extension(".pack"), ignored);
  }
  log::info("git mirror '{}': {} packs made one", directory_.string(), before.size());
}

}  // namespace hivemind::hub::git

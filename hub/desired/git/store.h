#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hub/desired/git/libgit.h"

namespace hivemind::hub::git {

// The bare repository on the disk that a mirror keeps its objects in. Shared by the mirror and its snapshots,
// on one thread.
class Store {
 public:
  // Nothing when the directory is missing or empty. Throws kCorrupt when it holds something else than such a
  // repository.
  static std::shared_ptr<Store> open(const std::filesystem::path& directory);
  static std::shared_ptr<Store> create(const std::filesystem::path& directory);

  const std::filesystem::path& directory() const { return directory_; }
  git_repository* repository() const { return repository_.get(); }

  // Throws kCorrupt when the reference cannot be read.
  std::optional<git_oid> reference(const std::string& name) const;
  void set_reference(const std::string& name, const git_oid& target);
  // Removes all references of ours but these.
  void keep_references(const std::vector<std::string>& names);

  // Throws kNotFound for a commit that is not here, kCorrupt for one that cannot be read.
  Commit commit(const git_oid& id) const;
  Tree tree_of(const git_commit* commit) const;
  // Of an id that something here refers to: its absence is corruption, too.
  Tree tree(const git_oid& id) const;

  // Whether something read from it was not what had been written.
  bool suspect() const { return suspect_; }

  // Throws what went wrong when reading; kCorrupt makes the store suspect.
  [[noreturn]] void fail(int result, const std::string& context) const;

  // Every fetch adds a pack, and a forced push leaves commits that nothing refers to. Once there are more
  // than so many packs, all that our references need goes into one new pack and the others are removed.
  // Objects are never missing in between, nor after a crash: packs go only once the new one is on the disk.
  static constexpr std::size_t kMaxPacks = 50;
  void compact();

 private:
  explicit Store(std::filesystem::path directory) : directory_(std::move(directory)) {}
  void remove_leftovers() const;
  std::vector<std::filesystem::path> packs() const;

  Library library_;
  std::filesystem::path directory_;
  Repository repository_;
  mutable bool suspect_ = false;
};

}  // namespace hivemind::hub::git

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/desired/git/store.h"
#include "hub/desired/snapshot.h"

namespace hivemind::hub::git {

// One commit, read straight from the object store. Entries whose names no work tree could have ('..', 'a/b')
// are absent.
class GitSnapshot : public Snapshot {
 public:
  // Throws kNotFound for a commit that the store does not have, kCorrupt.
  GitSnapshot(std::shared_ptr<const Store> store, const git_oid& commit);

  const std::string& revision() const override { return revision_; }
  Entry entry(std::string_view path) const override;
  std::vector<Entry> list(std::string_view directory) const override;
  std::string read(std::string_view path, std::size_t max_bytes) const override;

 private:
  TreeEntry find(const std::string& path) const;

  std::shared_ptr<const Store> store_;
  std::string revision_;
  Tree root_;
};

}  // namespace hivemind::hub::git

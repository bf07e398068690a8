#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hub/desired/snapshot.h"

namespace hivemind::hub {

// The files of a plain directory: for checking a work tree before it is committed.
//
// What is named '.git' is not there. No symlink is followed, neither to a file nor on the way to one, so
// nothing outside of the root can be read, even when the tree changes while it is read. Sockets, devices and
// pipes are absent. Ids are made of inode, size and times, those of directories of all that is below them
// (kept once computed, so a directory that changes during the life of this object may keep its id).
//
// Errors: the constructor throws kNotFound when there is no such directory; reading throws kNotFound,
// kDenied, kExhausted.
class DirectorySnapshot : public Snapshot {
 public:
  explicit DirectorySnapshot(const std::filesystem::path& root);
  ~DirectorySnapshot() override;

  const std::string& revision() const override { return revision_; }
  Entry entry(std::string_view path) const override;
  std::vector<Entry> list(std::string_view directory) const override;
  std::string read(std::string_view path, std::size_t max_bytes) const override;

 private:
  std::string id_of(int directory, const std::string& path, int depth) const;

  int root_ = -1;  // every look-up starts here, not at a name
  std::string revision_ = "working-tree";
  mutable std::map<std::string, std::string, std::less<>> directory_ids_;
};

}  // namespace hivemind::hub

#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/desired/snapshot.h"

namespace hivemind::tests {

// A repository in memory: set files, hand it to what reads a snapshot, change files, hand it over again.
class MemorySnapshot : public hub::Snapshot {
 public:
  MemorySnapshot() = default;
  MemorySnapshot(std::initializer_list<std::pair<const std::string, std::string>> files);

  MemorySnapshot& file(const std::string& path, std::string content);
  MemorySnapshot& executable(const std::string& path, std::string content);
  MemorySnapshot& symlink(const std::string& path, std::string target);
  MemorySnapshot& remove(const std::string& path);
  MemorySnapshot& set_revision(std::string revision);

  const std::string& revision() const override { return revision_; }
  hub::Entry entry(std::string_view path) const override;
  std::vector<hub::Entry> list(std::string_view directory) const override;
  std::string read(std::string_view path, std::size_t max_bytes) const override;

  // How many files were read since the start: shows what a cache saves.
  std::size_t reads() const { return reads_; }

 private:
  struct Leaf {
    hub::EntryKind kind = hub::EntryKind::kFile;
    std::string content;
  };
  MemorySnapshot& put(const std::string& path, hub::EntryKind kind, std::string content);

  std::map<std::string, Leaf, std::less<>> leaves_;
  std::string revision_ = std::string(40, '1');
  mutable std::size_t reads_ = 0;
};

}  // namespace hivemind::tests

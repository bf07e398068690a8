#include "tests/support/memory_snapshot.h"

#include "common/digest.h"
#include "common/error.h"

namespace hivemind::tests {

using hub::Entry;
using hub::EntryKind;

MemorySnapshot::MemorySnapshot(std::initializer_list<std::pair<const std::string, std::string>> files) {
  for (const auto& [path, content] : files) file(path, content);
}

MemorySnapshot& MemorySnapshot::put(const std::string& path, EntryKind kind, std::string content) {
  leaves_[path] = Leaf{kind, std::move(content)};
  return *this;
}

MemorySnapshot& MemorySnapshot::file(const std::string& path, std::string content) {
  return put(path, EntryKind::kFile, std::move(content));
}

MemorySnapshot& MemorySnapshot::executable(const std::string& path, std::string content) {
  return put(path, EntryKind::kExecutable, std::move(content));
}

MemorySnapshot& MemorySnapshot::symlink(const std::string& path, std::string target) {
  return put(path, EntryKind::kSymlink, std::move(target));
}

MemorySnapshot& MemorySnapshot::remove(const std::string& path) {
  leaves_.erase(path);
  return *this;
}

MemorySnapshot& MemorySnapshot::set_revision(std::string revision) {
  revision_ = std::move(revision);
  return *this;
}

Entry MemorySnapshot::entry(std::string_view path) const {
  if (const auto found = leaves_.find(path); found != leaves_.end()) {
    return {std::string(path), found->second.kind, sha256_hex(found->second.content)};
  }
  const std::string prefix = path.empty() ? "" : std::string(path) + "/";
  std::string all;
  for (auto i = leaves_.lower_bound(prefix); i != leaves_.end() && i->first.starts_with(prefix); ++i) {
    all += i->first + '\0' + std::to_string(static_cast<int>(i->second.kind)) + sha256_hex(i->second.content);
  }
  if (all.empty() && !path.empty()) return {std::string(path), EntryKind::kAbsent, ""};
  return {std::string(path), EntryKind::kDirectory, sha256_hex(all)};
}

std::vector<Entry> MemorySnapshot::list(std::string_view directory) const {
  const std::string prefix = directory.empty() ? "" : std::string(directory) + "/";
  std::vector<Entry> entries;
  for (auto i = leaves_.lower_bound(prefix); i != leaves_.end() && i->first.starts_with(prefix); ++i) {
    const std::string child = i->first.substr(0, i->first.find('/', prefix.size()));
    if (entries.empty() || entries.back().path != child) entries.push_back(entry(child));
  }
  return entries;
}

std::string MemorySnapshot::read(std::string_view path, std::size_t max_bytes) const {
  const auto found = leaves_.find(path);
  if (found == leaves_.end()) throw Error(ErrorCode::kNotFound, "file '{}' not found", path);
  ++reads_;
  const std::string& content = found->second.content;
  if (content.size() <= max_bytes) return content;
  throw Error(ErrorCode::kExhausted, "file '{}' has {} bytes, at most {} are read", path, content.size(),
              max_bytes);
}

}  // namespace hivemind::tests

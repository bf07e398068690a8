#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hivemind::hub {

enum class EntryKind { kAbsent, kFile, kExecutable, kSymlink, kDirectory, kSubmodule };

struct Entry {
  std::string path;  // from the repository's root, normalised: no leading '/', no '.' or '..'; the root is ""
  EntryKind kind = EntryKind::kAbsent;
  std::string id;  // changes when the content does: a Git object id, or a hash
};

// The files of one revision. Immutable; may be read from any one thread at a time.
// Symlinks are not followed by these calls; resolve() below does so, inside the repository only.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  // Git commit id (40 hex); of a plain directory "working-tree".
  virtual const std::string& revision() const = 0;
  virtual Entry entry(std::string_view path) const = 0;
  // Sorted by path; empty for anything but a directory.
  virtual std::vector<Entry> list(std::string_view directory) const = 0;
  // A file's content, or a symlink's target. Throws kNotFound, or kExhausted above max_bytes.
  virtual std::string read(std::string_view path, std::size_t max_bytes) const = 0;
};

// path relative to directory, normalised. Throws kInvalid for an absolute path and for one that leaves the
// repository.
std::string join_path(std::string_view directory, std::string_view path);

// The entry that path leads to once symlinks are followed, in the middle and at the end. Throws kInvalid when
// a link leaves the repository, is absolute, or turns in circles.
Entry resolve(const Snapshot& snapshot, std::string_view path);

}  // namespace hivemind::hub

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "common/descriptor.h"

namespace hivemind::agent {

// A directory held open. What is in it is reached by single names, and never through a symlink: an
// application may have put anything there, and may change it while it is looked at. Whatever is done stays
// below it.
//
// Errors name the path: kExhausted when the disk is full, kDenied for want of a right, kConflict when
// something else is in the way, kNotFound, else kUnavailable.
class OpenDirectory {
 public:
  enum class Kind { kAbsent, kFile, kDirectory, kOther };  // other: a symlink, a device, a socket …
  struct Status {
    Kind kind = Kind::kAbsent;
    std::uint64_t size = 0;
    mode_t mode = 0;  // permission bits
    uid_t uid = 0;
    gid_t gid = 0;
  };
  struct Owner {
    std::optional<uid_t> uid;
    std::optional<gid_t> gid;
  };

  // A directory of the agent's own, whose path is trusted. Made, with those above it, where it is not there.
  static OpenDirectory at(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }

  Status status(const std::string& name) const;
  // Nothing when there is none of that name, or something else. "." is this one once more.
  std::optional<OpenDirectory> find(const std::string& name) const;
  // Finds or makes it, for everybody to read unless told otherwise; it is on the disk when this returns.
  OpenDirectory make(const std::string& name, mode_t mode = 0755) const;
  // Sorted, without "." and ".."; of more than so many, any.
  std::vector<std::string> names(std::size_t most = SIZE_MAX) const;
  // Of a regular file; nothing when it is none (any more), or has more than so many bytes.
  std::optional<std::string> sha256(const std::string& name, std::uint64_t most_bytes) const;

  // A new file, its content on the disk; its name only after sync(). Without mode and owner of the caller's
  // nothing is left behind.
  void write_new(const std::string& name, std::string_view content, mode_t mode, const Owner& owner) const;
  // Takes the file out of the other directory, on the same disk; what is there is replaced.
  void take(const OpenDirectory& from, const std::string& name, const std::string& as) const;
  void remove_file(const std::string& name) const;   // gone already: nothing
  bool remove_empty(const std::string& name) const;  // false: it is not empty, or no directory
  void remove_all(const std::string& name) const;    // whatever it is; gone already: nothing
  void sync() const;

 private:
  OpenDirectory(Descriptor fd, std::filesystem::path path) : fd_(std::move(fd)), path_(std::move(path)) {}
  [[noreturn]] void fail(const std::string& name, const char* verb) const;

  Descriptor fd_;
  std::filesystem::path path_;  // for messages
};

}  // namespace hivemind::agent

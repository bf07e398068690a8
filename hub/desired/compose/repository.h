#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hub/desired/compose/compose.h"
#include "hub/desired/compose/reader.h"
#include "hub/desired/secrets.h"
#include "hub/desired/snapshot.h"

namespace hivemind::hub::compose {

inline constexpr std::size_t kMaxTextBytes = 1u << 20;  // of a file that is read here
inline constexpr std::size_t kMaxReleaseBytes = 8u << 20;
inline constexpr std::size_t kMaxReleaseFiles = 1000;

// A stack's view of the repository: paths relative to its Compose file, symlinks followed, limits kept, every
// path that was looked at remembered. What cannot be had is a diagnostic at the place that asked for it.
class Repository {
 public:
  // All must outlive it. directory: of the stack's first Compose file.
  // secrets: null where they are taken for granted.
  Repository(const Snapshot& snapshot, std::string directory, PathsRead& paths, Reader& reader,
             const SecretBook* secrets = nullptr)
      : snapshot_(snapshot),
        directory_(std::move(directory)),
        paths_(paths),
        reader_(reader),
        secret_book_(secrets) {}

  // What a relative path leads to, absent or not; nothing when it leaves the repository.
  struct Found {
    std::string asked;  // from the repository's root
    Entry entry;        // with symlinks followed
  };
  std::optional<Found> find(const std::string& path, const Location& at);

  // A file's text, for reading here.
  std::optional<std::string> text(const Entry& file, const Location& at);

  // A file for a node: kept for the release, named by its SHA-256. Nothing when it is too large or there are
  // too many.
  std::optional<std::string> ship(const Entry& file, const Location& at);
  std::optional<std::string> ship_content(std::string content, const Location& at);

  // A value that only nodes may see: kept for the release, named by its id.
  std::string keep_secret(const std::string& name, std::string value);
  // Of a file. Nothing when it is too large.
  std::optional<std::string> keep_secret(const std::string& name, const Entry& file, const Location& at);
  bool has_secret(std::string_view id) const { return secrets_.contains(id); }
  const SecretBook& secret_book() const;
  SecretValues& secrets() { return secrets_; }

  // The files below a directory, each with its path from there. Nothing when one cannot be had.
  struct Leaf {
    std::string path;
    Entry entry;
  };
  std::optional<std::vector<Leaf>> walk(const Entry& directory, const Location& at);

  const std::string& directory() const { return directory_; }
  Files take_files() { return std::move(files_); }
  SecretValues take_secrets() { return std::move(secrets_); }

 private:
  std::optional<std::string> read(const Entry& file, std::size_t max_bytes, std::string_view remedy,
                                  const Location& at);
  void remember(std::string path, int links = 0);
  std::optional<Entry> follow(const std::string& path, const Location& at);
  bool walk(const std::string& directory, const std::string& prefix, int depth, const Location& at,
            std::vector<Leaf>& leaves);

  const Snapshot& snapshot_;
  std::string directory_;
  PathsRead& paths_;
  Reader& reader_;
  std::map<std::string, std::string> shipped_;  // path -> SHA-256
  const SecretBook* secret_book_;
  SecretValues secrets_;
  Files files_;
  std::size_t bytes_ = 0;
};

}  // namespace hivemind::hub::compose

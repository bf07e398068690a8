#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/apply/open_directory.h"
#include "agent/apply/seed_record.h"

namespace hivemind::agent {

// Whether the path is the directory or lies below it; the empty directory holds everything.
bool is_within(const std::string& path, const std::string& directory);

// The stack's data directory as seeds are found and put there. Paths are relative to it. Symlinks that an
// application has put there lead nowhere.
class SeedBed {
 public:
  // The stack's directory, absolute. What is no mount's own place may be removed when it is left empty.
  SeedBed(const std::filesystem::path& directory, std::set<std::string> places);

  // As for move_of(). Content is only read when its size is that of one of the versions.
  std::optional<std::string> look(const std::string& path, const std::vector<std::uint64_t>& sizes) const;
  bool is_there(const std::string& path) const;
  bool is_file(const std::string& path) const;

  void write(const std::string& path, const Seed& seed, const std::string& content);
  void remove(const std::string& path);
  // False: it is no directory, or not empty.
  bool remove_empty(const std::string& path);
  // Makes the directory, unless something else is in its place, which throws kConflict.
  void make(const std::string& path);
  // What was done is on the disk when this returns.
  void sync();

  // Names, for people and bounded in number, of what Git has nothing of: "a", "sub/b", and "sub/…" for many
  // in one directory.
  std::vector<std::string> own_of_application(const std::string& directory, const SeedRecord& record) const;

  std::filesystem::path full(const std::string& path) const { return root_.path() / path; }

 private:
  // The directory that holds the path, as far as it is there.
  struct Spot {
    std::optional<OpenDirectory> parent;
    std::string name;
    bool is_blocked = false;  // by something on the way that is no directory
  };
  Spot spot_of(const std::string& path) const;
  OpenDirectory parent_of(const std::string& path) const;
  void drop_empty_parents(const std::string& path);
  struct Survey;
  void survey(const OpenDirectory& directory, const std::string& prefix, Survey& survey) const;

  OpenDirectory home_;  // the stack's directory: new files are made here, out of the application's sight
  OpenDirectory root_;
  std::set<std::string> places_;
  std::set<std::string> touched_;  // directories with names that are not on the disk yet
};

}  // namespace hivemind::agent

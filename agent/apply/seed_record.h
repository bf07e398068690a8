#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "agent/plan/desired.h"

namespace hivemind::agent {

// One version of a file as Git has it.
struct SeedVersion {
  std::string sha256;
  std::uint64_t size = 0;
  std::uint32_t mode = 0644;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  bool operator==(const SeedVersion&) const = default;
};

// What is remembered of a file that Git has, or had, in a directory that the application writes to.
struct Seed {
  std::optional<SeedVersion> written;  // what Git last wrote there
  std::optional<SeedVersion> wanted;   // what Git has wanted there since; nothing: that it is not there
  bool kept = false;                   // something of the application's own was met there
  bool operator==(const Seed&) const = default;
};

// By path below the stack's data directory.
using SeedRecord = std::map<std::string, Seed>;

// What is done about a seed, by what is found in its place: the SHA-256 of a regular file, "" for anything
// else (also for a file that is none of Git's versions), nothing when nothing is there.
enum class SeedMove {
  kNone,   // as Git wants it, or the application has removed it: it stays away until Git changes it
  kAdopt,  // what Git wants is there already
  kWrite,
  kRemove,  // what Git wrote, and wants no more
  kForget,  // not there, and not wanted
  kKeep,    // the application's own
};
SeedMove move_of(const Seed& seed, const std::optional<std::string>& found);

// Sets what Git wants now. Before that, a write that was cut short between the file and its record is made
// good: what is there as it was wanted was written by us.
void want(Seed& seed, const std::optional<SeedVersion>& version, const std::optional<std::string>& found);

// The record in its file. A file that is absent or damaged is an empty record: then whatever differs from Git
// counts as the application's, and nothing is lost.
SeedRecord load_seeds(const std::filesystem::path& file);
// On the disk when it returns. Throws as write_file_durably().
void save_seeds(const std::filesystem::path& file, const SeedRecord& record);

}  // namespace hivemind::agent

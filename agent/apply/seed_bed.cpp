#include "agent/apply/seed_bed.h"

#include <algorithm>
#include <utility>

#include <unistd.h>

#include "common/error.h"

namespace hivemind::agent {
namespace {

using Kind = OpenDirectory::Kind;

constexpr const char* kNewFile = "seed.new";
constexpr mode_t kPermissions = 0777;

// An application may have millions of files; the report only needs to say that there are some.
constexpr std::size_t kMostLooked = 2'000;
constexpr std::size_t kMostNamed = 5;  // in one directory
constexpr int kDeepest = 16;

// "a/b/c" -> "a/b"
std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from < path.size();) {
    const std::size_t to = std::min(path.find('/', from), path.size());
    parts.push_back(path.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

}  // namespace

bool is_within(const std::string& path, const std::string& directory) {
  return directory.empty() || path == directory || path.starts_with(directory + "/");
}

SeedBed::SeedBed(const std::filesystem::path& directory, std::set<std::string> places)
    : home_(OpenDirectory::at(directory)), root_(home_.make("data")), places_(std::move(places)) {}

SeedBed::Spot SeedBed::spot_of(const std::string& path) const {
  Spot spot{root_.find("."), name_of(path)};
  for (const std::string& part : parts_of(directory_of(path))) {
    const Kind kind = spot.parent->status(part).kind;
    std::optional<OpenDirectory> next = spot.parent->find(part);
    if (!next) return {std::nullopt, spot.name, kind != Kind::kAbsent};
    spot.parent.emplace(std::move(*next));
  }
  return spot;
}

std::optional<std::string> SeedBed::look(const std::string& path,
                                         const std::vector<std::uint64_t>& sizes) const {
  const Spot spot = spot_of(path);
  if (spot.is_blocked) return "";
  if (!spot.parent) return std::nullopt;
  const OpenDirectory::Status status = spot.parent->status(spot.name);
  if (status.kind == Kind::kAbsent) return std::nullopt;
  if (status.kind != Kind::kFile || std::ranges::find(sizes, status.size) == sizes.end()) return "";
  return spot.parent->sha256(spot.name, status.size).value_or("");
}

bool SeedBed::is_there(const std::string& path) const {
  if (path.empty()) return true;
  const Spot spot = spot_of(path);
  return spot.is_blocked || (spot.parent && spot.parent->status(spot.name).kind != Kind::kAbsent);
}

bool SeedBed::is_file(const std::string& path) const {
  const Spot spot = spot_of(path);
  return spot.parent && spot.parent->status(spot.name).kind == Kind::kFile;
}

OpenDirectory SeedBed::parent_of(const std::string& path) const {
  std::optional<OpenDirectory> parent = root_.find(".");
  for (const std::string& part : parts_of(directory_of(path))) {
    OpenDirectory next = parent->make(part);
    parent.emplace(std::move(next));
  }
  return std::move(*parent);
}

// The file is replaced as a whole and never written into: the application may have linked it to another name,
// and readers see either version. An owner and permissions that were changed on the node, as entrypoints do,
// stay.
void SeedBed::write(const std::string& path, const Seed& seed, const std::string& content) {
  const SeedVersion& version = *seed.wanted;
  const OpenDirectory parent = parent_of(path);
  const OpenDirectory::Status old = parent.status(name_of(path));
  OpenDirectory::Owner owner{version.uid, version.gid};
  mode_t mode = version.mode;
  if (old.kind == Kind::kFile) {
    if (!owner.uid && ::geteuid() == 0) owner.uid = old.uid;
    if (!owner.gid && ::geteuid() == 0) owner.gid = old.gid;
    if (seed.written && seed.written->mode == version.mode) mode = old.mode & kPermissions;
  }
  home_.remove_file(kNewFile);  // left by a crash
  home_.write_new(kNewFile, content, mode, owner);
  parent.take(home_, kNewFile, name_of(path));
  touched_.insert(directory_of(path));
}

void SeedBed::remove(const std::string& path) {
  const Spot spot = spot_of(path);
  if (!spot.parent) return;
  spot.parent->remove_file(spot.name);
  touched_.insert(directory_of(path));
  drop_empty_parents(path);
}

bool SeedBed::remove_empty(const std::string& path) {
  const Spot spot = spot_of(path);
  if (!spot.parent || spot.parent->status(spot.name).kind != Kind::kDirectory) return false;
  touched_.insert(directory_of(path));
  return spot.parent->remove_empty(spot.name);
}

// Git has no empty directories: one that is left without files is not there any more.
void SeedBed::drop_empty_parents(const std::string& path) {
  for (std::string directory = directory_of(path); !directory.empty(); directory = directory_of(directory)) {
    const bool is_place =
        std::ranges::any_of(places_, [&](const std::string& place) { return is_within(place, directory); });
    if (is_place) return;
    const Spot spot = spot_of(directory);
    if (!spot.parent || !spot.parent->remove_empty(spot.name)) return;
    touched_.erase(directory);
    touched_.insert(directory_of(directory));
  }
}

void SeedBed::make(const std::string& path) {
  if (!path.empty()) parent_of(path).make(name_of(path));
}

void SeedBed::sync() {
  for (const std::string& directory : touched_) {
    const Spot spot = spot_of(directory.empty() ? "." : directory);
    const auto found = spot.parent ? spot.parent->find(spot.name) : std::nullopt;
    if (found) found->sync();
  }
  touched_.clear();
}

struct SeedBed::Survey {
  const SeedRecord& record;
  std::vector<std::string> names = {};
  std::size_t looked = 0;
  int depth = 0;
};

std::vector<std::string> SeedBed::own_of_application(const std::string& directory,
                                                     const SeedRecord& record) const {
  const Spot spot = spot_of(directory.empty() ? "." : directory);
  const auto found = spot.parent ? spot.parent->find(spot.name) : std::nullopt;
  Survey result{record};
  if (found) survey(*found, directory.empty() ? "" : directory + "/", result);
  return std::move(result.names);
}

// A directory that Git has nothing in is named, and not looked into.
void SeedBed::survey(const OpenDirectory& directory, const std::string& prefix, Survey& survey) const {
  std::vector<std::string> own;
  std::vector<std::string> shared;
  for (const std::string& name : directory.names(kMostLooked)) {
    const std::string path = prefix + name;
    if (++survey.looked > kMostLooked) break;
    const auto below = survey.record.lower_bound(path + "/");
    const bool holds_seeds = below != survey.record.end() && below->first.starts_with(path + "/");
    if (holds_seeds && directory.status(name).kind == Kind::kDirectory) {
      shared.push_back(name);
    } else if (!holds_seeds && !survey.record.contains(path) && !places_.contains(path)) {
      own.push_back(path);
    }
  }
  if (own.size() > kMostNamed) own = {prefix + "…"};
  survey.names.insert(survey.names.end(), own.begin(), own.end());
  if (++survey.depth > kDeepest) return;
  for (const std::string& name : shared) {
    if (const auto inner = directory.find(name)) this->survey(*inner, prefix + name + "/", survey);
  }
}

}  // namespace hivemind::agent

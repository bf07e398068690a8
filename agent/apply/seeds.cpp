#include "agent/apply/seeds.h"

#include <algorithm>
#include <optional>
#include <set>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/apply/contents.h"
#include "agent/apply/seed_bed.h"
#include "agent/apply/seed_record.h"
#include "common/error.h"

namespace hivemind::agent {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRecord = "seeds.json";

std::vector<const DesiredMount*> kept_mounts(const DesiredStack& stack) {
  std::vector<const DesiredMount*> mounts;
  for (const DesiredService& service : stack.services) {
    for (const DesiredMount& mount : service.mounts) {
      if (mount.is_kept()) mounts.push_back(&mount);
    }
  }
  return mounts;
}

std::set<std::string> places_of(const std::vector<const DesiredMount*>& mounts) {
  std::set<std::string> places;
  for (const DesiredMount* mount : mounts) places.insert(mount->source);
  return places;
}

// What Git has, by path below the data directory.
std::map<std::string, const DesiredFile*> wanted_of(const std::vector<const DesiredMount*>& mounts) {
  std::map<std::string, const DesiredFile*> wanted;
  for (const DesiredMount* mount : mounts) {
    for (const DesiredFile& file : mount->files) {
      const std::string prefix = mount->source.empty() ? "" : mount->source + "/";
      wanted.emplace(mount->single ? mount->source : prefix + file.path, &file);
    }
  }
  return wanted;
}

void add_size(std::vector<std::uint64_t>& sizes, const std::optional<SeedVersion>& version) {
  if (version) sizes.push_back(version->size);
}

// One look at a stack's seeds, and what is done about them.
class Gardening {
 public:
  Gardening(const fs::path& directory, const DesiredStack& stack, const Contents& contents)
      : stack_(stack),
        contents_(contents),
        mounts_(kept_mounts(stack)),
        file_(directory / kRecord),
        bed_(directory, places_of(mounts_)),
        record_(load_seeds(file_)),
        saved_(record_) {}

  // Git's present wish for what lies within the mount, on the disk before anything is done about it.
  void want_all(const DesiredMount& mount) {
    const auto wanted = wanted_of(mounts_);
    for (const auto& [path, file] : wanted) {
      if (is_within(path, mount.source)) record_.try_emplace(path);
    }
    for (auto& [path, seed] : record_) {
      if (!is_within(path, mount.source)) continue;
      const auto wish = wanted.find(path);
      const auto version = wish == wanted.end() ? std::nullopt : std::optional(version_of(*wish->second));
      want_one(path, seed, version);
    }
    save();
  }

  void carry_out(const std::string& within) {
    bring_back_lost_places();
    for (const std::string& path : paths(within)) settle(path, Turn::kRemovals);
    for (const std::string& path : paths(within)) settle(path, Turn::kWrites);
  }

  // The place that the container is given.
  void make_place(const DesiredMount& mount) {
    if (!mount.single) return bed_.make(mount.source);
    if (!bed_.is_file(mount.source)) {
      throw Error(ErrorCode::kConflict, "'{}' is no file (remove it on the node to have Git's)",
                  bed_.full(mount.source).string());
    }
  }

  // Names first, then the record of them: the other way round, a power cut could leave a record of what is
  // not there.
  void finish() {
    bed_.sync();
    save();
  }

  std::vector<Notice> notices() const {
    std::vector<Notice> notices;
    for (const auto& [path, seed] : record_) {
      const std::string text = is_mounted(path) ? notice_of(path, seed) : "";
      if (!text.empty()) notices.push_back({stack_.name, notice_kinds::kFileKept, user_of(path), text});
    }
    for (const std::string& place : places_of(mounts_)) {
      const std::string text = own_in(place);
      if (!text.empty()) notices.push_back({stack_.name, notice_kinds::kFileKept, user_of(place), text});
    }
    return notices;
  }

 private:
  enum class Turn { kRemovals, kWrites };

  SeedVersion version_of(const DesiredFile& file) const {
    return {file.sha256, content_of(file.sha256, file.path, contents_).size(), file.mode, file.uid, file.gid};
  }

  void want_one(const std::string& path, Seed& seed, const std::optional<SeedVersion>& version) {
    std::vector<std::uint64_t> sizes;
    add_size(sizes, seed.wanted);
    want(seed, version, bed_.look(path, sizes));
  }

  std::optional<std::string> look(const std::string& path, const Seed& seed) const {
    std::vector<std::uint64_t> sizes;
    add_size(sizes, seed.written);
    add_size(sizes, seed.wanted);
    return bed_.look(path, sizes);
  }

  std::vector<std::string> paths(const std::string& within) const {
    std::vector<std::string> found;
    for (const auto& [path, seed] : record_) {
      if (is_within(path, within) && is_mounted(path)) found.push_back(path);
    }
    return found;
  }

  bool is_mounted(const std::string& path) const {
    return std::ranges::any_of(mounts_,
                               [&](const DesiredMount* mount) { return is_within(path, mount->source); });
  }

  // The application cannot remove what is mounted, only what is in it: whoever removed a place on the node
  // wants it anew.
  void bring_back_lost_places() {
    for (const std::string& place : places_of(mounts_)) {
      if (bed_.is_there(place)) continue;
      for (auto& [path, seed] : record_) {
        if (is_within(path, place)) seed.kept = true;
      }
    }
  }

  void settle(const std::string& path, Turn turn) {
    Seed& seed = record_.at(path);
    if (seed.wanted.has_value() != (turn == Turn::kWrites)) return;
    SeedMove move = move_of(seed, look(path, seed));
    // A directory that the engine or the agent made when Git had nothing there.
    if (move == SeedMove::kKeep && seed.wanted && bed_.remove_empty(path)) move = SeedMove::kWrite;
    switch (move) {
      case SeedMove::kNone:
        return;
      case SeedMove::kAdopt:
        seed.written = seed.wanted;
        seed.kept = false;
        return;
      case SeedMove::kWrite:
        write(path, seed);
        return;
      case SeedMove::kRemove:
        bed_.remove(path);
        record_.erase(path);
        return;
      case SeedMove::kForget:
        record_.erase(path);
        return;
      case SeedMove::kKeep:
        seed.kept = true;
        return;
    }
  }

  // Between two placings the content may belong to a manifest that is not the newest; then the next placing
  // writes.
  void write(const std::string& path, Seed& seed) {
    if (!contents_.contains(seed.wanted->sha256)) return;
    const std::string& content = content_of(seed.wanted->sha256, path, contents_);
    try {
      bed_.write(path, seed, content);
    } catch (const Error& error) {
      throw error.within(fmt::format("file '{}'", path));
    }
    seed.written = seed.wanted;
    seed.kept = false;
  }

  void save() {
    if (record_ == saved_) return;
    save_seeds(file_, record_);
    saved_ = record_;
  }

  std::string notice_of(const std::string& path, const Seed& seed) const {
    const auto found = look(path, seed);
    const SeedMove move = move_of(seed, found);
    if (move == SeedMove::kNone && !found) {
      return fmt::format("'{}' was removed by the application, and stays away until Git changes it", path);
    }
    if (move != SeedMove::kKeep) return {};
    if (!seed.wanted) {
      return fmt::format("'{}' is not in Git any more, and stays: the application changed it", path);
    }
    return fmt::format(
        "'{}' stays as the application {} it, and Git's is not written (remove '{}' on the node to have "
        "Git's)",
        path, seed.written ? "changed" : "made", bed_.full(path).string());
  }

  std::string own_in(const std::string& place) const {
    const bool is_seeded = std::ranges::any_of(mounts_, [&](const DesiredMount* mount) {
      return mount->source == place && !mount->single && !mount->files.empty();
    });
    // A place within another one is told of there.
    const bool is_part = std::ranges::any_of(mounts_, [&](const DesiredMount* mount) {
      return mount->source != place && is_within(place, mount->source) && !mount->files.empty();
    });
    if (!is_seeded || is_part) return {};
    const auto own = bed_.own_of_application(place, record_);
    if (own.empty()) return {};
    return fmt::format("made by the application, and left alone: '{}'", fmt::join(own, "', '"));
  }

  // The service that mounts it, if it is one.
  std::string user_of(const std::string& path) const {
    std::set<std::string> users;
    for (const DesiredService& service : stack_.services) {
      for (const DesiredMount& mount : service.mounts) {
        if (mount.is_kept() && is_within(path, mount.source)) users.insert(service.name);
      }
    }
    return users.size() == 1 ? *users.begin() : "";
  }

  const DesiredStack& stack_;
  const Contents& contents_;
  std::vector<const DesiredMount*> mounts_;
  fs::path file_;
  SeedBed bed_;
  SeedRecord record_;
  SeedRecord saved_;
};

}  // namespace

fs::path Seeds::path_of(const DesiredMount& mount) const {
  return mount.source.empty() ? directory_ / "data" : directory_ / "data" / mount.source;
}

void Seeds::place(const DesiredStack& stack, const DesiredMount& mount, const Contents& contents) const {
  Gardening gardening(directory_, stack, contents);
  gardening.want_all(mount);
  gardening.carry_out(mount.source);
  gardening.make_place(mount);
  gardening.finish();
}

std::vector<Notice> Seeds::tend(const DesiredStack& stack, const Contents& contents) const {
  std::error_code ignored;  // what cannot be looked at fails below, with its reason
  if (kept_mounts(stack).empty() ||
      fs::status(directory_ / kRecord, ignored).type() == fs::file_type::not_found)
    return {};
  Gardening gardening(directory_, stack, contents);
  gardening.carry_out("");
  gardening.finish();
  return gardening.notices();
}

}  // namespace hivemind::agent

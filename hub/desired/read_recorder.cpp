#include "hub/desired/read_recorder.h"

#include <algorithm>

namespace hivemind::hub {
namespace {

bool touches_below(const std::set<std::string>& changed, const std::string& path) {
  if (path.empty()) return !changed.empty();
  const std::string below = path + "/";
  const auto next = changed.lower_bound(below);
  return next != changed.end() && next->starts_with(below);
}

// Whether one of the paths is the given one or a directory on the way to it.
bool touches_at(const std::set<std::string>& changed, const std::string& path) {
  if (changed.contains(path)) return true;
  for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    if (changed.contains(path.substr(0, slash))) return true;
  }
  return false;
}

// Whether one of the paths is the given one, lies below it, or is a directory on the way to it.
bool touches(const std::set<std::string>& changed, const std::string& path) {
  return touches_at(changed, path) || touches_below(changed, path);
}

}  // namespace

void Reads::add(const Entry& entry, Extent extent) {
  const auto [found, fresh] = seen_.try_emplace(entry.path, Seen{entry.kind, entry.id, extent});
  if (!fresh && extent == Extent::kWhole) found->second.extent = Extent::kWhole;
}

bool Reads::differs(const Seen& seen, const Entry& now) {
  if (seen.kind != now.kind) return true;
  if (seen.kind == EntryKind::kAbsent) return false;
  if (seen.kind == EntryKind::kDirectory && seen.extent == Extent::kSelf) return false;
  return seen.id != now.id || seen.id.empty();
}

bool Reads::differ(const Snapshot& snapshot, const std::optional<std::set<std::string>>& changed) const {
  return std::ranges::any_of(seen_, [&](const auto& one) {
    const auto& [path, seen] = one;
    return (!changed || touches(*changed, path)) && differs(seen, snapshot.entry(path));
  });
}

bool Reads::concern(const std::set<std::string>& changed) const {
  return std::ranges::any_of(seen_, [&](const auto& one) {
    const auto& [path, seen] = one;
    return touches_at(changed, path) || (seen.extent == Extent::kWhole && touches_below(changed, path));
  });
}

Entry ReadRecorder::entry(std::string_view path) const {
  Entry found = snapshot_.entry(path);
  reads_.add(found, Reads::Extent::kSelf);
  return found;
}

std::vector<Entry> ReadRecorder::list(std::string_view directory) const {
  reads_.add(snapshot_.entry(directory), Reads::Extent::kWhole);
  return snapshot_.list(directory);
}

std::string ReadRecorder::read(std::string_view path, std::size_t max_bytes) const {
  reads_.add(snapshot_.entry(path), Reads::Extent::kSelf);
  return snapshot_.read(path, max_bytes);
}

}  // namespace hivemind::hub

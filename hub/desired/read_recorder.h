#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hub/desired/snapshot.h"

namespace hivemind::hub {

// What was seen of a snapshot, so that a later one can be asked whether anything of it looks different now.
class Reads {
 public:
  enum class Extent {
    kSelf,   // the entry; of a directory only that it is one
    kWhole,  // and all that lies below a directory
  };
  void add(const Entry& entry, Extent extent);

  // changed: the paths in which the snapshots differ; nothing: not known, and all that was seen is compared.
  bool differ(const Snapshot& snapshot, const std::optional<std::set<std::string>>& changed) const;

  // One of the paths counts for what was seen.
  bool concern(const std::set<std::string>& changed) const;

 private:
  struct Seen {
    EntryKind kind = EntryKind::kAbsent;
    std::string id;
    Extent extent = Extent::kSelf;
  };
  static bool differs(const Seen& seen, const Entry& now);

  std::map<std::string, Seen, std::less<>> seen_;
};

// A snapshot that notes every path that is asked for, the links on the way among them. Both must outlive it.
class ReadRecorder : public Snapshot {
 public:
  ReadRecorder(const Snapshot& snapshot, Reads& reads) : snapshot_(snapshot), reads_(reads) {}

  const std::string& revision() const override { return snapshot_.revision(); }
  Entry entry(std::string_view path) const override;
  std::vector<Entry> list(std::string_view directory) const override;
  std::string read(std::string_view path, std::size_t max_bytes) const override;

 private:
  const Snapshot& snapshot_;
  Reads& reads_;
};

}  // namespace hivemind::hub

#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "common/envelope.h"

namespace hivemind::agent {

// Which of the hub's signing keys this node obeys: the one that it was given, or the newest of those that
// took its place one after the other. What it has left behind it never obeys again.
//
// The keys that it has obeyed stand in a file, oldest first, one in a line. It counts only while the given
// key is among them: a node that is given a key of another hub begins anew with that.
//
// Loop thread.
class TrustedKey {
 public:
  // given: what the operator or the enrolment gave. pinned: file that is to hold the newest key, too, for
  // people and for the next start; empty: none. A file that cannot be read counts as absent, which is logged:
  // the way from the given key is found again with the next envelope.
  TrustedKey(const VerifyKey& given, std::filesystem::path file, std::filesystem::path pinned = {});

  const VerifyKey& key() const { return keys_.back(); }

  // When the hub shows with this envelope that its key has changed, the new one is on the disk, and obeyed,
  // once this returns true. Throws kExhausted, kDenied or kUnavailable when it cannot be written; then the
  // old one goes on.
  bool follow(std::string_view kind, std::string_view envelope);

  // One of the keys that this node has left behind has signed it: its hub does not know of its own rotations.
  bool has_left_behind(std::string_view kind, std::string_view envelope) const;

  // For what this node has stored itself, which is no less true for being older than a rotation: the one of
  // the keys that it has obeyed which has signed it. Where the file of keys was lost, the way from the given
  // key is looked for as well. The newest key when nothing fits.
  VerifyKey key_of_stored(std::string_view kind, std::string_view envelope) const;

 private:
  void load();
  void refresh_pinned() const;

  std::filesystem::path file_;
  std::filesystem::path pinned_;
  std::vector<VerifyKey> keys_;  // never empty
};

}  // namespace hivemind::agent

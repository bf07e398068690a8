#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/trust/identity.h"

namespace hivemind::hub {

// A manifest that this hub has signed and does not remember.
struct ForgottenManifest {
  std::string node;
  std::uint64_t generation = 0;
  std::int64_t issued_at_ms = 0;
  std::uint64_t known = 0;     // the newest generation that is remembered for the node
  std::string newer_key = {};  // id of the key that has signed it, where that took the place of this hub's
};

// What a stamp of the hub's own proves for this node; nothing for any other bytes. keys: those that the hub
// has had, oldest first; one that took their place, and that the hub has forgotten as well, shows that in its
// successions. A key that was left behind counts for what was issued before: who has stolen it can make
// stamps, and successions, for ever.
std::optional<ForgottenManifest> opened_stamp(const std::vector<KeyRecord>& keys, std::string_view node,
                                              std::string_view stamp);
// Likewise of a whole manifest.
std::optional<ForgottenManifest> opened_manifest(const std::vector<KeyRecord>& keys, std::string_view node,
                                                 std::string_view envelope);

// A hub that was restored from a backup has older releases, labels and secrets than its fleet, and must not
// send them before a person has looked. It goes by what nobody else can make: manifests, or stamps of them,
// that it has signed itself. What nodes merely claim does not count here.
//
// A value; pure. Once held, it stays so until resume(), also over restarts (text() is stored).
class RestoreGuard {
 public:
  RestoreGuard() = default;
  // What text() gave. Lines that it does not know are passed over.
  static RestoreGuard parse(std::string_view text);
  std::string text() const;

  bool held() const { return since_ms_ != 0; }
  std::int64_t since_ms() const { return since_ms_; }
  // By node, what was found; of the present hold.
  const std::map<std::string, ForgottenManifest>& found() const { return found_; }
  // Of those that took the place of this hub's, the one that has signed last; empty: none.
  const std::string& newer_key() const { return newer_key_; }

  // True when this changes anything. What was issued before the last resume() was looked at then: a node that
  // was away meanwhile brings no news.
  bool note(const ForgottenManifest& manifest, std::int64_t now_ms);
  // The newest key was put back. What was found is forgotten all the same.
  void note_own_key();
  void resume(std::int64_t now_ms);

  // One sentence for people; empty when not held.
  std::string reason() const;

 private:
  bool note_newer_key(const ForgottenManifest& manifest);

  std::int64_t since_ms_ = 0;       // Unix time; 0: not held
  std::int64_t resumed_at_ms_ = 0;  // likewise; 0: never
  std::map<std::string, ForgottenManifest> found_;
  std::string newer_key_;
  std::int64_t newer_key_at_ms_ = 0;  // the newest that it is known to have signed was issued then
};

}  // namespace hivemind::hub

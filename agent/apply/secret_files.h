#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "agent/apply/open_directory.h"
#include "agent/plan/desired.h"
#include "agent/secrets/vault.h"

namespace hivemind::agent {

// Secrets that containers mount, as files in memory: <directory>/<node>/<stack>/<id>-…/<file>, all of it for
// the agent alone. A container sees the one file (or directory) that is bound into it. The path is another
// one for another value, and for another mode or owner, so nothing changes under a container. A reboot takes
// all of it.
//
// Errors: kDenied for what cannot be opened, for want of a right, or of a memory file system, kExhausted when
// that is full, else those of OpenDirectory.
class SecretFiles {
 public:
  // The directory must be absolute. It is made when it is needed.
  SecretFiles(std::filesystem::path directory, std::string node);

  // Why nothing can be placed; empty: it can, and there is a memory file system now.
  std::string trouble() const;

  // What the mount's container is given as source. Nothing is read or written.
  std::filesystem::path source_of(const std::string& stack, const DesiredMount& mount) const;

  // Makes source_of() what it should be; what is there and right is left alone, and what is in its place (an
  // engine may make an empty directory of a source that it misses) goes. Survives a crash at any point: a
  // file is there with all that it should be, or not at all. Where a value is not known, what is there has to
  // do.
  void place(const std::string& stack, const DesiredMount& mount, const Vault& vault) const;
  // Whether files are there with the right mode and owner; their contents are not looked at.
  bool is_in_place(const std::string& stack, const DesiredMount& mount) const;

  // Removes what none of the stack's mounts needs; null: the stack is gone, and all of it goes. Throws.
  void prune(const std::string& stack, const DesiredStack* wanted) const;

  // Those that have something here, wanted or not.
  std::set<std::string> stacks() const;

 private:
  std::filesystem::path root() const { return directory_ / node_; }
  OpenDirectory open() const;
  OpenDirectory open(const std::string& stack) const;

  std::filesystem::path directory_;
  std::string node_;
};

}  // namespace hivemind::agent

#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "agent/plan/desired.h"

namespace hivemind::agent {

// What stacks mount of their own, below the agent's data directory:
//   stacks/<stack>/files/<sha256 of the listing>/…   content from Git; never changed once it is there
//   stacks/<stack>/data/<source>                     directories that the node keeps, also when the stack
//   goes
class Files {
 public:
  // The directory must be absolute.
  explicit Files(std::filesystem::path data_directory);

  // What the mount's container is given as source. Nothing is read or written.
  std::filesystem::path source_of(const std::string& stack, const DesiredMount& mount) const;

  // Makes source_of() what it should be; what is there and right is left alone. Survives a crash at any
  // point: files are written aside and renamed. Throws kExhausted when the disk is full, kCorrupt when
  // content is missing or has another digest, else kUnavailable or kDenied.
  void place(const std::string& stack, const DesiredMount& mount,
             const std::map<std::string, std::string>& contents) const;

  // Removes content that none of the stack's mounts needs any more; data directories stay. Failing is
  // harmless: it is tried again after the next change.
  void prune(const std::string& stack, const DesiredStack* wanted) const;

 private:
  std::filesystem::path stack_directory(const std::string& stack) const;

  std::filesystem::path root_;
};

}  // namespace hivemind::agent

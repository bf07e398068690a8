#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/plan/desired.h"
#include "agent/plan/notices.h"

namespace hivemind::agent {

// What stacks mount of their own, below the agent's data directory, in stacks/<stack>/:
//   files/…      exactly what Git has, for mounts that nothing of the stack writes to (exact_content.h)
//   data/…       directories that the node keeps, seeded from Git, also when the stack goes (seeds.h)
//
// Errors: kExhausted when the disk is full, kCorrupt when content is missing or has another digest, kConflict
// when something else is in the way, else kUnavailable or kDenied. They name the path.
class Files {
 public:
  // The directory must be absolute.
  explicit Files(std::filesystem::path data_directory);

  // What the mount's container is given as source. Nothing is read or written.
  std::filesystem::path source_of(const std::string& stack, const DesiredMount& mount) const;

  // Makes source_of() what it should be, on the disk; what is there and right is left alone. Survives a crash
  // at any point. The mount is one of the stack's.
  void place(const DesiredStack& stack, const DesiredMount& mount, const Contents& contents) const;

  // For a stack whose files are in place: brings back what an operator removed in favour of Git, and says
  // what else is not as Git has it.
  std::vector<Notice> tend(const DesiredStack& stack, const Contents& contents) const;

  // Removes content that none of the stack's mounts needs any more; kept directories stay. Failing is
  // harmless: it is tried again after the next change.
  void prune(const DesiredStack& stack) const;

  // Those that have something here, wanted or not.
  std::set<std::string> stacks() const;

 private:
  std::filesystem::path stack_directory(const std::string& stack) const;

  std::filesystem::path root_;
};

}  // namespace hivemind::agent

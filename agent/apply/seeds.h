#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "agent/plan/desired.h"
#include "agent/plan/notices.h"

namespace hivemind::agent {

// Files from Git in directories that applications write to:
//   data/…       the directories themselves, by their path from the stack's directory; containers see them
//   seeds.json   what Git last wrote there and wants there; containers do not see it
//
// What Git changes is written, what the application has made or changed is left alone. The record stands
// beside the directories and not in the store: it goes where they go (the store may be deleted or rebuilt
// without them, and they may be deleted without it), and is on the disk in the order that the files need.
//
// Survives a crash between any two calls: what Git wants is on the disk before the first file is touched, so
// a file that is found as wanted was written by us, whether or not the record says so already.
//
// Errors: those of OpenDirectory; kCorrupt when content is missing or has another digest.
class Seeds {
 public:
  // The stack's directory, absolute.
  explicit Seeds(std::filesystem::path directory) : directory_(std::move(directory)) {}

  std::filesystem::path path_of(const DesiredMount& mount) const;

  // Brings what the mount shows to what Git has, as far as the application leaves it to Git. All of the
  // stack's mounts are looked at: one may be part of another.
  void place(const DesiredStack& stack, const DesiredMount& mount, const Contents& contents) const;

  // Between two placings: brings back what Git wanted at the last one where the application's own is gone,
  // and says what is the application's own.
  std::vector<Notice> tend(const DesiredStack& stack, const Contents& contents) const;

 private:
  std::filesystem::path directory_;
};

}  // namespace hivemind::agent

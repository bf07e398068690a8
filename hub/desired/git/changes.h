#pragma once

#include <set>
#include <string>

#include "hub/desired/git/store.h"

namespace hivemind::hub::git {

// The paths of files, links and submodules that differ between two trees; of a directory that came or went,
// all below it. Reads only trees whose ids differ. Throws kCorrupt.
std::set<std::string> changed_paths(const Store& store, const git_oid& from_tree, const git_oid& to_tree);

}  // namespace hivemind::hub::git

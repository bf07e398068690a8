#pragma once

#include <set>
#include <string>

#include "agent/plan/past.h"

namespace hivemind::agent {

// SHA-256 of all that a good release consists of. SQLite does not notice bits that turn within a value, and a
// release's own digest is of what it was compiled from, which the node has not got.
std::string checksum_of(const GoodRelease& release);

// SHA-256 of the files that a stored body (v1::Release) mounts. A body that cannot be read names none.
std::set<std::string> files_named_in(const std::string& body);

}  // namespace hivemind::agent

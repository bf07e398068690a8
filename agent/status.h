#pragma once

#include <cstdint>
#include <string>

#include "agent/options.h"
#include "hivemind/v1/report.pb.h"

namespace hivemind::agent {

// The node's identity and the newest report of the store in the data directory, as text. Changes nothing; an
// agent may be running beside it. Throws kNotFound where there is neither, or no report yet, kCorrupt or
// kUnavailable when they cannot be read.
std::string status_text(const Options& options);

// Of an enrolled node.
struct IdentityStatus {
  std::string node, hub, broker;
  std::int64_t certificate_until_s = 0;
  std::string clock_doubt;  // why the clock cannot be right, or the certificate has ended; may be empty
};

// Nothing where there is the other one alone.
std::string to_table(const v1::Report* report, const IdentityStatus* identity);
std::string to_json(const v1::Report* report, const IdentityStatus* identity);

}  // namespace hivemind::agent

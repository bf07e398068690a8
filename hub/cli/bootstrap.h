#pragma once

#include <string>

#include "hub/cli/enrolment_invocation.h"

namespace hivemind::hub::cli {

// What a machine's first boot needs.
struct Bootstrap {
  std::string hub;      // https://HOST:PORT
  std::string token;    // hm1.…
  std::string package;  // URL
};

// A POSIX shell script that installs an engine where there is none, and the agent, and enrols; it may be run
// again until it succeeds. Pure.
std::string bootstrap_script(const Bootstrap& bootstrap);

// "#cloud-config": writes the script and a service that runs it until it succeeds. Pure.
std::string cloud_init(const Bootstrap& bootstrap);
// firstrun.sh of Raspberry Pi OS: the same, for an image that knows no cloud-init. Pure.
std::string pi_first_run(const Bootstrap& bootstrap);

}  // namespace hivemind::hub::cli

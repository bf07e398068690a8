#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "common/defaults.h"
#include "hub/desired/git/mirror.h"
#include "hub/registry/registry.h"

namespace hivemind::hub {

// Every setting of the hub. A flag beats its HIVEMIND_… variable, that beats the file, that beats what stands
// here.
struct Config {
  git::RemoteOptions git;
  std::string git_path;  // directory of stacks.yml, normalised; "": the root
  std::chrono::milliseconds poll_interval{60'000};
  std::filesystem::path data_dir = defaults::kHubDirectory;
  std::string listen = defaults::kApiListen;
  std::string broker_listen = defaults::kBrokerListen;
  std::string broker_url;  // empty: the embedded broker
  registry::Options registries;
  std::string log_level = "info";
};

// What a command line asks for: to run, or to print something and be done.
struct Invocation {
  std::optional<Config> config;
  std::string output;  // when there is no config
};

// Throws kInvalid for wrong usage: flags, variables and the configuration file (with its line) alike.
Invocation read_command_line(int argc, const char* const* argv);

}  // namespace hivemind::hub

#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/defaults.h"
#include "hub/api/tls_options.h"
#include "hub/desired/git/mirror.h"
#include "hub/enrolment/options.h"
#include "hub/registry/registry.h"
#include "hub/trust/authority.h"

namespace hivemind::hub {

// Whether the embedded broker wants TLS and certificates: by itself as soon as others than this machine reach
// it.
enum class BrokerTls { kAuto, kOn, kOff };

// Every setting of the hub. A flag beats its HIVEMIND_… variable, that beats the file, that beats what stands
// here.
struct Config {
  git::RemoteOptions git;
  SignerFiles git_signers;
  std::string git_path;  // directory of stacks.yml, normalised; "": the root
  std::chrono::milliseconds poll_interval{60'000};
  std::filesystem::path data_dir = defaults::kHubDirectory;
  std::string listen = defaults::kApiListen;
  api::TlsOptions tls;  // of the API
  std::string broker_listen = defaults::kBrokerListen;
  std::string broker_url;  // empty: the embedded broker
  BrokerTls broker_tls = BrokerTls::kAuto;
  registry::Options registries;
  Authority::Given authority;  // empty: one of our own
  EnrolmentOptions enrolment;
  std::vector<std::string> advertise;  // what API and broker are reached by, besides where they listen
  std::filesystem::path master_key;    // empty: a systemd credential, else in data_dir
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

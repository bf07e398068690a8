#include "agent/options.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "agent/exit_code.h"
#include "common/defaults.h"
#include "common/error.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/version.h"

namespace hivemind::agent {
namespace {

constexpr unsigned kLeastKeepAlive = 5;
constexpr unsigned kMostKeepAlive = 65535;  // the field has two bytes
constexpr unsigned kKeepAlive = 30;

// The host's name up to the first dot, where that can be a node id.
std::string node_of_host() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  std::string node(name.data());
  node = node.substr(0, node.find('.'));
  std::ranges::transform(node, node.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return is_node_id(node) ? node : "";
}

std::map<std::string, std::string> parse_labels(const std::vector<std::string>& texts) {
  std::map<std::string, std::string> labels;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    const std::string key = text.substr(0, equals);
    if (equals == std::string::npos || !is_label_key(key)) {
      throw Error(ErrorCode::kInvalid,
                  "label '{}' is not KEY=VALUE with a key of letters, digits, '.', '_' and '-'", text);
    }
    labels[key] = text.substr(equals + 1);
  }
  return labels;
}

// "90s", "5m", "1h"; a bare number is seconds.
std::chrono::milliseconds parse_heartbeat(const std::string& text) {
  constexpr std::chrono::seconds kLeast{5};
  constexpr std::chrono::seconds kMost{24 * 3600};
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(end, text.data() + text.size());
  const std::int64_t factor = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  const bool is_good = failure == std::errc{} && factor > 0 && number >= 0 && number <= kMost.count();
  const std::chrono::seconds time{is_good ? number * factor : 0};
  if (time < kLeast || time > kMost) {
    throw Error(ErrorCode::kInvalid, "heartbeat '{}' is no time from 5s to 24h (such as '90s', '5m' or '1h')",
                text);
  }
  return time;
}

void define(CLI::App& app, Options& options, std::vector<std::string>& labels, std::string& heartbeat) {
  app.set_version_flag("--version", "hivemind-agent " + version());
  app.set_config("--config", "", "File with 'flag = value' lines (TOML)")->envname("HIVEMIND_CONFIG");
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.add_option("--node", options.node, "Id of this node")->envname("HIVEMIND_NODE")->capture_default_str();
  app.add_option("--label", labels, "Label of this node as KEY=VALUE; may be given again")
      ->envname("HIVEMIND_LABEL")
      ->delimiter(',');
  app.add_option("--broker", options.broker, "MQTT broker, mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS")
      ->envname("HIVEMIND_BROKER")
      ->capture_default_str();
  app.add_option("--broker-ca", options.broker_ca,
                 "Who vouches for a broker with mqtts://: PEM file of its CA")
      ->envname("HIVEMIND_BROKER_CA");
  app.add_option("--keep-alive", options.keep_alive_s,
                 "Seconds of silence after which the broker is asked for a sign of life")
      ->envname("HIVEMIND_KEEP_ALIVE")
      ->check(CLI::Range(kLeastKeepAlive, kMostKeepAlive))
      ->capture_default_str();
  app.add_option("--hub-key", options.hub_key, "The hub's public key (its hub.pub)")
      ->envname("HIVEMIND_HUB_KEY");
  app.add_option("--data-dir", options.data_directory, "Where this node keeps its state")
      ->envname("HIVEMIND_DATA_DIR")
      ->capture_default_str();
  app.add_option("--engine", options.engine, "Engine, unix:///PATH or tcp://HOST:PORT (default: DOCKER_HOST)")
      ->envname("HIVEMIND_ENGINE");
  app.add_option("--heartbeat", heartbeat, "How often to report when nothing has changed, such as 5m")
      ->envname("HIVEMIND_HEARTBEAT")
      ->capture_default_str();
  app.add_option("--parallel-pulls", options.parallel_pulls, "How many images are pulled at a time")
      ->envname("HIVEMIND_PARALLEL_PULLS")
      ->check(CLI::Range(1u, 100u))
      ->capture_default_str();
  app.add_option("--disk-reserve", options.disk_reserve_bytes,
                 "What pulls leave free of the engine's disk, such as 500MiB (default: 256MiB, or 5 % of a "
                 "small disk; 0: do not look)")
      ->envname("HIVEMIND_DISK_RESERVE")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--log-level", options.log_level, std::string("One of ") + std::string(log::kLevels))
      ->envname("HIVEMIND_LOG_LEVEL")
      ->capture_default_str();
}

void check(Options& options) {
  options.data_directory = std::filesystem::absolute(options.data_directory).lexically_normal();
  if (options.command == Command::kStatus) return;
  if (options.node.empty()) {
    throw Error(ErrorCode::kInvalid, "the host's name is no node id (say which one this is with --node)");
  }
  require_node_id(options.node);
  if (options.hub_key.empty()) {
    throw Error(ErrorCode::kInvalid, "no hub key (give the hub's hub.pub with --hub-key)");
  }
}

}  // namespace

CommandLine read_command_line(int argc, const char* const* argv) {
  CommandLine line;
  Options& options = line.options;
  options.node = node_of_host();
  options.broker = defaults::kBrokerUrl;
  options.keep_alive_s = kKeepAlive;
  options.data_directory = defaults::kAgentDirectory;
  options.log_level = "info";
  std::vector<std::string> labels;
  std::string heartbeat = "5m";
  CLI::App app{"hivemind-agent runs on a node and keeps its containers as the hub's manifest wants them.",
               "hivemind-agent"};
  define(app, options, labels, heartbeat);
  CLI::App* status = app.add_subcommand("status", "Print what this node was told, and what it runs");
  status->fallthrough();
  const std::map<std::string, OutputForm> forms{{"table", OutputForm::kTable}, {"json", OutputForm::kJson}};
  status->add_option("--output", options.output, "table or json")->transform(CLI::CheckedTransformer(forms));
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    line.exit_code = app.exit(error) == 0 ? 0 : kExitUsage;
    return line;
  }
  if (status->parsed()) options.command = Command::kStatus;
  options.labels = parse_labels(labels);
  options.heartbeat = parse_heartbeat(heartbeat);
  check(options);
  return line;
}

}  // namespace hivemind::agent

#include "agent/options.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <vector>

#include <CLI/CLI.hpp>

#include "agent/exit_code.h"
#include "agent/policy_options.h"
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
constexpr std::string_view kUnknownSetting = "INI was not able to parse ";  // as CLI11 says it

std::string engine_from_environment() {
  const char* host = std::getenv("DOCKER_HOST");
  return host == nullptr ? "" : host;
}

std::string config_from_environment() {
  const char* file = std::getenv("HIVEMIND_CONFIG");
  return file == nullptr ? "" : file;
}

// CLI11 names neither the file nor what is wrong. A section's name comes with a mark of CLI11's own.
Error unknown_setting(const CLI::App& app, const CLI::ConfigError& error) {
  std::string_view name = error.what();
  name.remove_prefix(name.starts_with(kUnknownSetting) ? kUnknownSetting.size() : 0);
  return {ErrorCode::kInvalid,
          fmt::format("file '{}': there is no setting '{}' ('hivemind-agent --help' lists them)",
                      app.get_config_ptr()->as<std::string>(), name.substr(0, name.find(".++")))};
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
    const auto [before, is_new] = labels.emplace(key, text.substr(equals + 1));
    if (!is_new) {
      throw Error(ErrorCode::kInvalid, "label '{}' is given twice, as '{}' and as '{}'", key, before->second,
                  text.substr(equals + 1));
    }
  }
  return labels;
}

// "90s", "5m", "1h"; a bare number is seconds.
std::chrono::milliseconds parse_time(const char* flag, const std::string& text, std::chrono::seconds least) {
  constexpr std::chrono::seconds kMost{24 * 3600};
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(end, text.data() + text.size());
  const std::int64_t factor = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  const bool is_good = failure == std::errc{} && factor > 0 && number >= 0 && number <= kMost.count();
  const std::chrono::seconds time{is_good ? number * factor : -1};
  if (time < least || time > kMost) {
    throw Error(ErrorCode::kInvalid, "{} '{}' is no time from {}s to 24h (such as '90s', '5m' or '1h')", flag,
                text, least.count());
  }
  return time;
}

void define(CLI::App& app, Options& options, std::vector<std::string>& labels, std::string& heartbeat) {
  app.set_version_flag("--version", "hivemind-agent " + version());
  // CLI11 reads the file before it looks at the variables of options; so that one is this option's default.
  const std::string config = config_from_environment();
  app.set_config("--config", config, "File with 'flag = value' lines (TOML)", !config.empty())
      ->envname("HIVEMIND_CONFIG");
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.add_option("--node", options.node, "Id of this node (default: the host's name)")
      ->envname("HIVEMIND_NODE");
  app.add_option("--label", labels, "Label of this node as KEY=VALUE; may be given again")
      ->envname("HIVEMIND_LABEL")
      ->delimiter(',');
  app.add_option("--broker", options.broker, "MQTT broker, mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS")
      ->envname("HIVEMIND_BROKER");
  app.add_option("--broker-ca", options.broker_ca,
                 "Who vouches for a broker with mqtts://: PEM file of its CA")
      ->envname("HIVEMIND_BROKER_CA");
  app.add_option("--keep-alive", options.keep_alive_s,
                 "Seconds of silence after which the broker is asked for a sign of life")
      ->envname("HIVEMIND_KEEP_ALIVE")
      ->check(CLI::Range(kLeastKeepAlive, kMostKeepAlive))
      ->capture_default_str();
  app.add_option("--hub-key", options.hub_key,
                 "The hub's public key (its hub.pub), for a node that is not enrolled")
      ->envname("HIVEMIND_HUB_KEY");
  app.add_option("--data-dir", options.data_directory, "Where this node keeps its state")
      ->envname("HIVEMIND_DATA_DIR")
      ->capture_default_str();
  app.add_option("--secrets-dir", options.secrets_directory,
                 "Where secrets are files: a directory in memory, or one where a tmpfs may be mounted")
      ->envname("HIVEMIND_SECRETS_DIR")
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

CLI::App* define_enroll(CLI::App& app, Options& options, std::string& patience) {
  CLI::App* enroll = app.add_subcommand("enroll", "Make this machine a node of a hub's fleet");
  enroll->fallthrough();
  enroll->add_option("--hub", options.hub, "Address of the hub, https://HOST[:PORT]")->required();
  enroll->add_option("--token", options.token, "What 'hivemind node token create' has printed")
      ->envname("HIVEMIND_ENROLL_TOKEN")
      ->required();
  enroll
      ->add_option("--wait", patience,
                   "How long to wait for an operator's approval, where the token asks for it")
      ->capture_default_str();
  enroll->add_flag("--force", options.force, "Give up the identity that this node has");
  enroll->footer(fmt::format(
      "The flags --node ID (the id to ask for; otherwise the hub makes one of the host's name) and "
      "--data-dir DIR (where the identity is kept, default {}) work here, too.",
      defaults::kAgentDirectory));
  return enroll;
}

void check(Options& options) {
  options.data_directory = std::filesystem::absolute(options.data_directory).lexically_normal();
  options.secrets_directory = std::filesystem::absolute(options.secrets_directory).lexically_normal();
  if (!options.node.empty()) require_node_id(options.node);
}

}  // namespace

CommandLine read_command_line(int argc, const char* const* argv) {
  CommandLine line;
  Options& options = line.options;
  options.keep_alive_s = kKeepAlive;
  options.data_directory = defaults::kAgentDirectory;
  options.secrets_directory = defaults::kSecretsDirectory;
  options.log_level = "info";
  std::vector<std::string> labels;
  std::string heartbeat = "5m";
  std::string patience = "10m";
  CLI::App app{"hivemind-agent runs on a node and keeps its containers as the hub's manifest wants them.",
               "hivemind-agent"};
  define(app, options, labels, heartbeat);
  PolicyTexts policy;
  define_policy(app, policy);
  CLI::App* status = app.add_subcommand("status", "Print what this node was told, and what it runs");
  status->fallthrough();
  const std::map<std::string, OutputForm> forms{{"table", OutputForm::kTable}, {"json", OutputForm::kJson}};
  status->add_option("--output", options.output, "table or json")->transform(CLI::CheckedTransformer(forms));
  CLI::App* enroll = define_enroll(app, options, patience);
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ConfigError& error) {
    throw unknown_setting(app, error);
  } catch (const CLI::ParseError& error) {
    line.exit_code = app.exit(error) == 0 ? 0 : kExitUsage;
    return line;
  }
  if (status->parsed()) options.command = Command::kStatus;
  if (enroll->parsed()) options.command = Command::kEnroll;
  options.labels = parse_labels(labels);
  options.heartbeat = parse_time("heartbeat", heartbeat, std::chrono::seconds(5));
  options.patience = parse_time("--wait", patience, std::chrono::seconds(0));
  check(options);
  options.policy = policy_from(policy);
  const CLI::Option* config = app.get_config_ptr();
  options.policy.guarded =
      guarded_paths(options.engine.empty() ? engine_from_environment() : options.engine,
                    options.data_directory, config->count() > 0 ? config->as<std::string>() : std::string());
  options.policy.guarded.push_back(options.secrets_directory);
  return line;
}

}  // namespace hivemind::agent

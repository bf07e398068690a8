#include "hub/config.h"

#include <algorithm>
#include <functional>
#include <vector>

#include <CLI/CLI.hpp>

#include "common/error.h"
#include "common/file.h"
#include "common/version.h"
#include "hub/desired/snapshot.h"
#include "hub/desired/yaml/node.h"

namespace hivemind::hub {
namespace {

enum class Kind { kText, kPath, kList };

// One setting: how it is called on the command line and in the file, and where its text goes.
struct Setting {
  std::string flag;
  std::string section;  // of the file; "": top level
  std::string key;
  std::string help;
  Kind kind = Kind::kText;
  std::function<void(Config&, const std::string&)> set;
  std::string given;  // by flag or variable

  std::string variable() const {
    std::string name = "HIVEMIND_" + flag.substr(2);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
    return name;
  }
};

std::chrono::milliseconds seconds_of(const std::string& text) {
  constexpr double kLeast = 0.1, kMost = 86'400;
  char* end = nullptr;
  const double seconds = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(seconds >= kLeast && seconds <= kMost)) {
    throw Error(ErrorCode::kInvalid, "'{}' is no number of seconds from {} to {}", text, kLeast, kMost);
  }
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

// Fractions are for those who try it out.
std::chrono::seconds days_of(const std::string& text) {
  constexpr double kMost = 36'500, kSecondsADay = 86'400;
  char* end = nullptr;
  const double days = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(days * kSecondsADay >= 1 && days <= kMost))
    throw Error(ErrorCode::kInvalid, "'{}' is no number of days from a second to {}", text, kMost);
  return std::chrono::seconds(static_cast<std::int64_t>(days * kSecondsADay));
}

std::vector<std::string> words_of(const std::string& text) {
  constexpr std::string_view kBetween = ", ";
  std::vector<std::string> words;
  for (std::size_t at = 0; (at = text.find_first_not_of(kBetween, at)) != std::string::npos;) {
    const std::size_t end = std::min(text.find_first_of(kBetween, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

std::vector<std::string> advertised(const std::string& text) {
  std::vector<std::string> hosts = words_of(text);
  server_names(hosts);  // throws for what can be no name of a server
  return hosts;
}

std::set<std::string> hosts_of(const std::string& text) {
  std::set<std::string> hosts;
  for (const std::string& host : words_of(text)) {
    if (host.find('/') != std::string::npos) {
      throw Error(ErrorCode::kInvalid, "'{}' is no host (expected HOST or HOST:PORT)", host);
    }
    hosts.insert(host);
  }
  return hosts;
}

BrokerTls broker_tls_of(const std::string& text) {
  if (text == "auto") return BrokerTls::kAuto;
  if (text == "on" || text == "true") return BrokerTls::kOn;  // YAML writes a boolean so
  if (text == "off" || text == "false") return BrokerTls::kOff;
  throw Error(ErrorCode::kInvalid, "'{}' is none of auto, on and off", text);
}

std::string directory_of(const std::string& text) {
  return text.empty() || text == "/" || text == "." ? "" : join_path("", text);
}

std::vector<Setting> settings() {
  return {
      {"--git-url",
       "git",
       "url",
       "Git repository: URL, scp form or path",
       Kind::kText,
       [](Config& c, const std::string& v) { c.git.url = v; },
       {}},
      {"--git-branch",
       "git",
       "branch",
       "branch to follow [main]",
       Kind::kText,
       [](Config& c, const std::string& v) { c.git.branch = v; },
       {}},
      {"--git-path",
       "git",
       "path",
       "directory of stacks.yml in the repository [its root]",
       Kind::kText,
       [](Config& c, const std::string& v) { c.git_path = directory_of(v); },
       {}},
      {"--git-username",
       "git",
       "username",
       "user for https:// and ssh://",
       Kind::kText,
       [](Config& c, const std::string& v) { c.git.username = v; },
       {}},
      {"--git-password-file",
       "git",
       "password_file",
       "file that holds the password or token",
       Kind::kPath,
       [](Config& c, const std::string& v) { c.git.password_file = v; },
       {}},
      {"--git-ssh-key",
       "git",
       "ssh_key",
       "private key for ssh://",
       Kind::kPath,
       [](Config& c, const std::string& v) { c.git.ssh_key = v; },
       {}},
      {"--git-known-hosts",
       "git",
       "known_hosts",
       "host keys to trust [~/.ssh/known_hosts]",
       Kind::kPath,
       [](Config& c, const std::string& v) { c.git.known_hosts = v; },
       {}},
      {"--git-allowed-signers",
       "git",
       "allowed_signers",
       "who may sign commits with SSH keys: a file of ssh-keygen's format",
       Kind::kPath,
       [](Config& c, const std::string& v) { c.git_signers.allowed_signers = v; },
       {}},
      {"--git-revoked-signers",
       "git",
       "revoked_signers",
       "SSH keys that may not any more: public keys, or a KRL of ssh-keygen's",
       Kind::kPath,
       [](Config& c, const std::string& v) { c.git_signers.revoked_signers = v; },
       {}},
      {"--git-allowed-keyring",
       "git",
       "allowed_keyring",
       "who may sign commits with OpenPGP keys: what 'gpg --export' writes",
       Kind::kPath,
       [](Config& c, const std::string& v) { c.git_signers.allowed_keyring = v; },
       {}},
      {"--poll-interval",
       "git",
       "poll_interval",
       "seconds between looks at the repository [60]",
       Kind::kText,
       [](Config& c, const std::string& v) { c.poll_interval = seconds_of(v); },
       {}},
      {"--data-dir",
       "",
       "data_dir",
       "state, keys and token [/var/lib/hivemind/hub]",
       Kind::kPath,
       [](Config& c, const std::string& v) { c.data_dir = v; },
       {}},
      {"--listen",
       "",
       "listen",
       "HOST:PORT of the API [127.0.0.1:7373]",
       Kind::kText,
       [](Config& c, const std::string& v) { c.listen = v; },
       {}},
      {"--tls",
       "tls",
       "mode",
       "TLS for the API: auto (beyond this machine), on or off [auto]",
       Kind::kText,
       [](Config& c, const std::string& v) { c.tls.mode = api::tls_mode_of(v); },
       {}},
      {"--tls-cert",
       "tls",
       "cert",
       "certificate of yours for the API, with its chain [one from the hub's CA]",
       Kind::kPath,
       [](Config& c, const std::string& v) { c.tls.certificate = v; },
       {}},
      {"--tls-key",
       "tls",
       "key",
       "its private key",
       Kind::kPath,
       [](Config& c, const std::string& v) { c.tls.key = v; },
       {}},
      {"--broker-listen",
       "broker",
       "listen",
       "HOST:PORT of the embedded broker [127.0.0.1:1883]",
       Kind::kText,
       [](Config& c, const std::string& v) { c.broker_listen = v; },
       {}},
      {"--broker-url",
       "broker",
       "url",
       "mqtts://HOST:PORT (or mqtt://) of a broker of yours, instead of the embedded one",
       Kind::kText,
       [](Config& c, const std::string& v) { c.broker_url = v; },
       {}},
      {"--ca-cert",
       "trust",
       "ca_cert",
       "certificate of a CA of yours that vouches for nodes and hub, then those up to its root [made at the "
       "first start]",
       Kind::kPath,
       [](Config& c, const std::string& v) { c.authority.certificate = v; },
       {}},
      {"--ca-key",
       "trust",
       "ca_key",
       "private key of --ca-cert (PEM, mode 0600)",
       Kind::kPath,
       [](Config& c, const std::string& v) { c.authority.key = v; },
       {}},
      {"--node-certificate-days",
       "trust",
       "node_certificate_days",
       "days that a node's certificate lasts; it is renewed at two thirds of that [90]",
       Kind::kText,
       [](Config& c, const std::string& v) { c.enrolment.certificate_life = days_of(v); },
       {}},
      {"--renewal-grace-days",
       "trust",
       "renewal_grace_days",
       "days after its end in which a node's certificate can still be renewed [30]",
       Kind::kText,
       [](Config& c, const std::string& v) { c.enrolment.renewal_grace = days_of(v); },
       {}},
      {"--advertise",
       "",
       "advertise",
       "names and addresses that nodes and people reach this hub by, several with commas; the first is given "
       "to nodes",
       Kind::kList,
       [](Config& c, const std::string& v) { c.advertise = advertised(v); },
       {}},
      {"--broker-tls",
       "broker",
       "tls",
       "whether the embedded broker wants TLS and certificates: on, off, or auto [auto: beyond loopback]",
       Kind::kText,
       [](Config& c, const std::string& v) { c.broker_tls = broker_tls_of(v); },
       {}},
      {"--registry-credentials",
       "registry",
       "credentials",
       "file with the registries' logins, as docker's config.json has them",
       Kind::kPath,
       [](Config& c, const std::string& v) { c.registries.credentials = v; },
       {}},
      {"--registry-insecure",
       "registry",
       "insecure",
       "registries that are asked over plain HTTP: HOST[:PORT], several with commas",
       Kind::kList,
       [](Config& c, const std::string& v) { c.registries.insecure = hosts_of(v); },
       {}},
      {"--master-key",
       "",
       "master_key",
       "file with the key that secrets are stored under [DATA_DIR/master.key]",
       Kind::kPath,
       [](Config& c, const std::string& v) { c.master_key = v; },
       {}},
      {"--log-level",
       "",
       "log_level",
       "debug, info, warn or error [info]",
       Kind::kText,
       [](Config& c, const std::string& v) { c.log_level = v; },
       {}},
  };
}

const Setting* find(const std::vector<Setting>& all, const std::string& section, const std::string& key) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Setting& s) { return s.section == section && s.key == key; });
  return found == all.end() ? nullptr : &*found;
}

std::string keys_of(const std::vector<Setting>& all, const std::string& section) {
  std::vector<std::string> keys;
  for (const Setting& setting : all) {
    if (setting.section == section) keys.push_back(setting.key);
    if (section.empty() && !setting.section.empty()) keys.push_back(setting.section);
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return fmt::format("{}", fmt::join(keys, ", "));
}

[[noreturn]] void fail_at(const Location& location, const std::string& message) {
  throw Error(ErrorCode::kInvalid, "{}:{}:{}: {}", location.file, location.line, location.column, message);
}

// The configuration file as a layer below what flags and variables gave.
class FileLayer {
 public:
  FileLayer(const std::filesystem::path& file, const std::vector<Setting>& all)
      : file_(file), settings_(all) {}

  void apply(Config& config) const {
    Diagnostics diagnostics;
    const std::optional<yaml::Node> root = yaml::parse(read_file(file_), file_.string(), diagnostics);
    if (!root) throw Error(ErrorCode::kInvalid, "{}", to_text(diagnostics.front()));
    if (!root->is_null()) apply_map(config, *root, "");
  }

 private:
  void apply_map(Config& config, const yaml::Node& map, const std::string& section) const {
    if (!map.is_map()) fail_at(map.location, "expected settings, found " + map.describe());
    for (const auto& [key, value] : map.members) {
      const bool is_section = section.empty() && std::ranges::any_of(settings_, [&](const Setting& one) {
                                return one.section == key.scalar;
                              });
      if (is_section && value.is_null()) continue;
      if (is_section) {
        apply_map(config, value, key.scalar);
      } else {
        apply_one(config, key, value, section);
      }
    }
  }

  void apply_one(Config& config, const yaml::Node& key, const yaml::Node& value,
                 const std::string& section) const {
    const Setting* setting = find(settings_, section, key.scalar);
    if (setting == nullptr) {
      fail_at(key.location,
              fmt::format("unknown key '{}' (known: {})", key.scalar, keys_of(settings_, section)));
    }
    if (setting->kind == Kind::kList && value.is_sequence())
      return set(config, *setting, value, joined(value));
    if (!value.is_scalar()) {
      fail_at(value.location,
              fmt::format("key '{}': expected a value, found {}", key.scalar, value.describe()));
    }
    set(config, *setting, value, setting->kind == Kind::kPath ? beside_file(value.scalar) : value.scalar);
  }

  static void set(Config& config, const Setting& setting, const yaml::Node& at, const std::string& text) {
    try {
      setting.set(config, text);
    } catch (const Error& error) {
      fail_at(at.location, fmt::format("key '{}': {}", setting.key, error.what()));
    }
  }

  static std::string joined(const yaml::Node& list) {
    std::string text;
    for (const yaml::Node& item : list.items) {
      if (!item.is_scalar()) fail_at(item.location, "expected a value, found " + item.describe());
      text += item.scalar + ",";
    }
    return text;
  }

  // A relative path is meant from where the file stands, wherever the hub is started.
  std::string beside_file(const std::string& path) const {
    return (file_.parent_path() / path).lexically_normal();
  }

  std::filesystem::path file_;
  const std::vector<Setting>& settings_;
};

void require_usable(const Config& config) {
  if (config.git.url.empty()) {
    throw Error(ErrorCode::kInvalid,
                "no Git repository is given (use --git-url URL, HIVEMIND_GIT_URL, or 'git: {url: …}' in the "
                "configuration file)");
  }
  if (config.tls.certificate.empty() != config.tls.key.empty()) {
    throw Error(ErrorCode::kInvalid,
                "a certificate for the API and its key go together (--tls-cert and --tls-key)");
  }
  if (!config.tls.certificate.empty() && config.tls.mode == api::TlsMode::kOff) {
    throw Error(ErrorCode::kInvalid,
                "a certificate for the API is given, and its TLS is off (leave out --tls off)");
  }
  if (config.git.branch.empty())
    throw Error(ErrorCode::kInvalid, "the Git branch is empty (use --git-branch)");
  if (!config.git_signers.revoked_signers.empty() && config.git_signers.allowed_signers.empty()) {
    throw Error(ErrorCode::kInvalid,
                "there are revoked signers, but none who may sign (use --git-allowed-signers as well)");
  }
}

}  // namespace

Invocation read_command_line(int argc, const char* const* argv) {
  std::vector<Setting> all = settings();
  std::string file;
  CLI::App app("HiveMind's hub: follows a Git repository and tells every node what to run", "hivemind-hub");
  app.set_version_flag("--version", "hivemind-hub " + version());
  app.add_option("--config", file, "configuration file (YAML); every setting in it is also a flag")
      ->envname("HIVEMIND_CONFIG");
  for (Setting& setting : all)
    app.add_option(setting.flag, setting.given, setting.help)->envname(setting.variable());
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return {std::nullopt, app.help()};
  } catch (const CLI::CallForVersion& version_call) {
    return {std::nullopt, std::string(version_call.what()) + "\n"};
  } catch (const CLI::ParseError& error) {
    throw Error(ErrorCode::kInvalid, "{} (see hivemind-hub --help)", error.what());
  }
  Config config;
  if (!file.empty()) FileLayer(file, all).apply(config);
  for (const Setting& setting : all) {
    if (app.count(setting.flag) == 0) continue;
    try {
      setting.set(config, setting.given);
    } catch (const Error& error) {
      throw error.within(fmt::format("{} ({})", setting.flag, setting.variable()));
    }
  }
  require_usable(config);
  return {std::move(config), {}};
}

}  // namespace hivemind::hub

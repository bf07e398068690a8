#include "hub/config.h"

#include <cstdlib>
#include <vector>

#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::hub;
using namespace std::chrono_literals;
using tests::ContainsSubstring;

namespace {

// Set for as long as it lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

Invocation read(std::vector<std::string> arguments) {
  std::vector<const char*> argv{"hivemind-hub"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  return read_command_line(static_cast<int>(argv.size()), argv.data());
}

std::string refusal(std::vector<std::string> arguments) {
  try {
    read(std::move(arguments));
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

class File {
 public:
  explicit File(const std::string& text) { write_file_durably(path(), text, 0644); }
  std::string path() const { return (directory_ / "hub.yml").string(); }
  std::string directory() const { return directory_.path().string(); }

 private:
  tests::TemporaryDirectory directory_;
};

}  // namespace

TEST_CASE("TLS of the API is on beyond this machine, unless it is said otherwise") {
  CHECK((read({"--git-url", "x"}).config->tls.mode == api::TlsMode::kAuto));
  CHECK((read({"--git-url", "x", "--tls", "off"}).config->tls.mode == api::TlsMode::kOff));
  const Config own = *read({"--git-url", "x", "--tls-cert", "a.pem", "--tls-key", "a.key"}).config;
  CHECK(own.tls.certificate == "a.pem");
  CHECK(own.tls.key == "a.key");
  CHECK_THAT(refusal({"--git-url", "x", "--tls", "yes"}),
             ContainsSubstring("'yes' is none of 'auto', 'on' and 'off'"));
  CHECK_THAT(refusal({"--git-url", "x", "--tls-cert", "a.pem"}), ContainsSubstring("go together"));
  CHECK_THAT(refusal({"--git-url", "x", "--tls", "off", "--tls-cert", "a", "--tls-key", "b"}),
             ContainsSubstring("its TLS is off"));
  for (const char* local : {"127.0.0.1:7373", "127.8.8.8:1", "localhost:7373", "[::1]:7373"})
    CHECK(api::is_loopback(local));
  for (const char* open : {"0.0.0.0:7373", "127.example.org:7373", "192.0.2.7:7373", "[::]:7373",
                           "[2001:db8::1]:7373", "hub:7373", ""}) {
    CHECK_FALSE(api::is_loopback(open));
  }
}

TEST_CASE("a Git URL is all that a hub must be given") {
  const Config config = *read({"--git-url", "/srv/fleet.git"}).config;
  CHECK(config.git.url == "/srv/fleet.git");
  CHECK(config.git.branch == "main");
  CHECK(config.git_path == "");
  CHECK(config.poll_interval == 60s);
  CHECK(config.data_dir == "/var/lib/hivemind/hub");
  CHECK(config.listen == "127.0.0.1:7373");
  CHECK(config.broker_listen == "127.0.0.1:1883");
  CHECK(config.broker_url == "");
}

TEST_CASE("an authority is given by two files, and what the hub is reached by as a list") {
  const Config config = *read({"--git-url", "x", "--ca-cert", "/etc/ca.pem", "--ca-key", "/etc/ca.key",
                               "--advertise", "hub.example, 10.0.0.7"})
                             .config;
  CHECK(config.authority.certificate == "/etc/ca.pem");
  CHECK(config.authority.key == "/etc/ca.key");
  CHECK(config.advertise == std::vector<std::string>{"hub.example", "10.0.0.7"});
  CHECK_THAT(refusal({"--git-url", "x", "--advertise", "https://hub"}),
             ContainsSubstring("neither a host name"));
}

TEST_CASE("without a Git URL the hub says how to give one") {
  CHECK_THAT(refusal({}), ContainsSubstring("use --git-url"));
}

TEST_CASE("every setting stands in the file under its key") {
  const File file(
      "git:\n  url: https://example.org/fleet.git\n  branch: live\n  path: ./fleet/\n  username: ada\n"
      "  password_file: /run/password\n  ssh_key: key\n  known_hosts: /etc/hosts.known\n  poll_interval: 5\n"
      "data_dir: /srv/hub\nlisten: 0.0.0.0:80\nbroker:\n  listen: 0.0.0.0:1884\n  url: mqtt://broker:1883\n"
      "log_level: debug\n");
  const Config config = *read({"--config", file.path()}).config;
  CHECK(config.git.url == "https://example.org/fleet.git");
  CHECK(config.git.branch == "live");
  CHECK(config.git_path == "fleet");
  CHECK(config.git.username == "ada");
  CHECK(config.git.password_file == "/run/password");
  CHECK(config.git.ssh_key == file.directory() + "/key");
  CHECK(config.git.known_hosts == "/etc/hosts.known");
  CHECK(config.poll_interval == 5s);
  CHECK(config.data_dir == "/srv/hub");
  CHECK(config.listen == "0.0.0.0:80");
  CHECK(config.broker_listen == "0.0.0.0:1884");
  CHECK(config.broker_url == "mqtt://broker:1883");
  CHECK(config.log_level == "debug");
}

TEST_CASE("a flag beats its variable, which beats the file") {
  const File file("git: {url: file, branch: file, path: file}\n");
  const Variable branch("HIVEMIND_GIT_BRANCH", "variable");
  const Variable path("HIVEMIND_GIT_PATH", "variable");
  const Config config = *read({"--config", file.path(), "--git-path", "flag"}).config;
  CHECK(config.git.url == "file");
  CHECK(config.git.branch == "variable");
  CHECK(config.git_path == "flag");
}

TEST_CASE("the file itself may come from a variable") {
  const File file("git: {url: here}\n");
  const Variable variable("HIVEMIND_CONFIG", file.path().c_str());
  CHECK(read({}).config->git.url == "here");
}

TEST_CASE("an unknown key is refused with its place and what there is") {
  const File top("git: {url: x}\nlisten_on: 1\n");
  CHECK_THAT(refusal({"--config", top.path()}), ContainsSubstring("hub.yml:2:1: unknown key 'listen_on'"));
  const File nested("git:\n  url: x\n  brunch: main\n");
  CHECK_THAT(refusal({"--config", nested.path()}), ContainsSubstring("hub.yml:3:3: unknown key 'brunch'"));
}

TEST_CASE("what is no value, no YAML or no file is refused with its place") {
  const File list("git:\n  url: [a]\n");
  CHECK_THAT(refusal({"--config", list.path()}), ContainsSubstring("hub.yml:2:"));
  const File broken("git: {url: x\n");
  CHECK_THAT(refusal({"--config", broken.path()}), ContainsSubstring("hub.yml:"));
  CHECK_THAT(refusal({"--config", "/nowhere/hub.yml"}), ContainsSubstring("/nowhere/hub.yml"));
}

TEST_CASE("a poll interval is a number of seconds that makes sense") {
  CHECK(read({"--git-url", "x", "--poll-interval", "0.5"}).config->poll_interval == 500ms);
  for (const char* wrong : {"0", "-1", "soon", "1m", "nan", "1e9", ""}) {
    CHECK_THAT(refusal({"--git-url", "x", "--poll-interval", wrong}), ContainsSubstring("--poll-interval"));
  }
}

TEST_CASE("a path that leaves the repository is refused") {
  CHECK_THAT(refusal({"--git-url", "x", "--git-path", "../other"}), ContainsSubstring("--git-path"));
  CHECK_THAT(refusal({"--git-url", "x", "--git-path", "/etc"}), ContainsSubstring("--git-path"));
}

TEST_CASE("unknown flags are wrong usage; help and version are printed") {
  CHECK_THAT(refusal({"--git-url", "x", "--frobnicate"}), ContainsSubstring("--frobnicate"));
  CHECK_THAT(read({"--help"}).output, ContainsSubstring("--git-url"));
  CHECK_THAT(read({"--version"}).output, ContainsSubstring("hivemind-hub 0."));
}

TEST_CASE("whether the broker wants TLS is auto, on or off") {
  CHECK(read({"--git-url", "x"}).config->broker_tls == BrokerTls::kAuto);
  CHECK(read({"--git-url", "x", "--broker-tls", "on"}).config->broker_tls == BrokerTls::kOn);
  const File file("git: {url: x}\nbroker: {tls: off}\n");
  CHECK(read({"--config", file.path()}).config->broker_tls == BrokerTls::kOff);
  CHECK_THAT(refusal({"--git-url", "x", "--broker-tls", "maybe"}), ContainsSubstring("--broker-tls"));
}

TEST_CASE("registries that are asked without TLS are a list, in the file and on the command line") {
  const std::set<std::string> both{"10.0.0.1:5000", "registry.local"};
  const File list(
      "git: {url: x}\nregistry:\n  credentials: logins.json\n  insecure: ['10.0.0.1:5000', "
      "registry.local]\n");
  const Invocation file = read({"--config", list.path()});
  CHECK(file.config->registries.insecure == both);
  CHECK(file.config->registries.credentials.filename() == "logins.json");
  CHECK(file.config->registries.credentials.is_absolute());
  CHECK(read({"--git-url", "x", "--registry-insecure", "10.0.0.1:5000, registry.local"})
            .config->registries.insecure == both);
  CHECK_THAT(refusal({"--git-url", "x", "--registry-insecure", "http://10.0.0.1"}),
             ContainsSubstring("expected HOST"));
  const File nested("git: {url: x}\nregistry: {insecure: [{a: b}]}\n");
  CHECK_THAT(refusal({"--config", nested.path()}), ContainsSubstring("hub.yml:2:"));
}

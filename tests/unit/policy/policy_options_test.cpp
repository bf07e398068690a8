// The policy as its owner writes it: flags, variables, and the file of --config.
#include "agent/policy_options.h"

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "agent/options.h"
#include "common/error.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::agent;
using hivemind::tests::ContainsSubstring;

namespace {

Policy policy_of(std::vector<const char*> flags) {
  std::vector<const char*> words{"hivemind-agent", "--node", "pi-1", "--hub-key", "hub.pub"};
  words.insert(words.end(), flags.begin(), flags.end());
  return read_command_line(static_cast<int>(words.size()), words.data()).options.policy;
}

}  // namespace

TEST_CASE("without settings a policy forbids nothing") {
  CHECK_FALSE(policy_of({}).restricts());
}

TEST_CASE("each setting is a flag") {
  CHECK(policy_of({"--policy-privileged", "deny"}).privileged == Leave::kDeny);
  CHECK(policy_of({"--policy-host-network", "deny"}).host_network == Leave::kDeny);
  CHECK(policy_of({"--policy-host-namespaces", "deny"}).host_namespaces == Leave::kDeny);
  CHECK(policy_of({"--policy-devices", "deny"}).devices == Leave::kDeny);
  CHECK(policy_of({"--policy-digests", "required"}).tags == Leave::kDeny);
  CHECK(policy_of({"--policy-registries", "ghcr.io/acme/,docker.io"}).registries ==
        std::vector<std::string>{"ghcr.io/acme", "docker.io"});
  CHECK(policy_of({"--policy-capabilities", "none"}).capabilities == std::set<std::string>{});
  CHECK(policy_of({"--policy-capabilities", "cap_net_admin", "--policy-capabilities", "NET_RAW"})
            .capabilities == std::set<std::string>{"NET_ADMIN", "NET_RAW"});
  CHECK(policy_of({"--policy-binds", "/srv/a/../b,/data"}).binds ==
        std::vector<std::filesystem::path>{"/srv/b", "/data"});
}

TEST_CASE("the file of --config has lists, and is itself shown to no container") {
  const tests::TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "agent.toml";
  std::ofstream(file) << "policy-privileged = \"deny\"\npolicy-binds = [\"/srv/a\", \"/srv/b\"]\n";
  const Policy policy = policy_of({"--config", file.c_str(), "--data-dir", "/var/lib/here"});
  CHECK(policy.privileged == Leave::kDeny);
  CHECK(policy.binds == std::vector<std::filesystem::path>{"/srv/a", "/srv/b"});
  const auto guards = [&](const std::filesystem::path& path) {
    return std::find(policy.guarded.begin(), policy.guarded.end(), path) != policy.guarded.end();
  };
  CHECK(guards(file));
  CHECK(guards("/var/lib/here"));
  CHECK(guards("/var/run/docker.sock"));
}

TEST_CASE("the engine's socket is guarded wherever it is") {
  const auto paths = guarded_paths("unix:///run/user/1000/engine.sock", "/data", "");
  CHECK(std::find(paths.begin(), paths.end(), "/run/user/1000/engine.sock") != paths.end());
}

TEST_CASE("what cannot be meant keeps the agent from starting") {
  using Flags = std::vector<const char*>;
  for (const Flags& flags :
       {Flags{"--policy-privileged", "no"}, Flags{"--policy-digests", "deny"}, Flags{"--policy-binds", "srv"},
        Flags{"--policy-binds", "/srv,none"}, Flags{"--policy-capabilities", "any,NET_RAW"},
        Flags{"--policy-capabilities", "NET_RAW,NET_ROAR"}, Flags{"--policy-capabilities", "CAP_"},
        Flags{"--policy-registries", "https://ghcr.io"},
        Flags{"--policy-registries", "ghcr.io/app@sha256"}}) {
    CAPTURE(flags);
    CHECK_THROWS_AS(policy_of(flags), Error);
  }
}

TEST_CASE("a capability that Linux does not have is told with its list") {
  CHECK_THROWS_WITH(policy_of({"--policy-capabilities", "cap_net_roar"}),
                    ContainsSubstring("policy-capabilities: there is no capability 'NET_ROAR'"));
  CHECK(policy_of({"--policy-capabilities", "all"}).capabilities == std::set<std::string>{"ALL"});
}

TEST_CASE("a setting that there is not is told with the file it stands in") {
  const tests::TemporaryDirectory directory;
  const std::string file = directory.path() / "agent.toml";
  std::ofstream(file) << "policy-foo = \"deny\"\n";
  CHECK_THROWS_WITH(policy_of({"--config", file.c_str()}),
                    ContainsSubstring("file '" + file + "': there is no setting 'policy-foo'"));
}

TEST_CASE("HIVEMIND_CONFIG names the file as --config does, which beats it") {
  const tests::TemporaryDirectory directory;
  const std::string file = directory.path() / "agent.toml", other = directory.path() / "other.toml";
  std::ofstream(file) << "policy-privileged = \"deny\"\n";
  std::ofstream(other) << "policy-devices = \"deny\"\n";
  ::setenv("HIVEMIND_CONFIG", file.c_str(), 1);
  const Policy policy = policy_of({});
  const Policy given = policy_of({"--config", other.c_str()});
  std::filesystem::remove(file);
  const std::vector<const char*> words{"hivemind-agent", "--node", "pi-1"};
  const CommandLine without = read_command_line(static_cast<int>(words.size()), words.data());
  ::unsetenv("HIVEMIND_CONFIG");
  CHECK(policy.privileged == Leave::kDeny);
  CHECK(std::find(policy.guarded.begin(), policy.guarded.end(), file) != policy.guarded.end());
  CHECK(given.privileged == Leave::kAllow);
  CHECK(given.devices == Leave::kDeny);
  CHECK(without.exit_code == 2);  // a policy that cannot be read is no policy
}

TEST_CASE("a label of the node that is given twice is refused") {
  CHECK_THROWS_WITH(policy_of({"--label", "site=berlin", "--label", "site=bonn"}),
                    ContainsSubstring("label 'site' is given twice, as 'berlin' and as 'bonn'"));
}

TEST_CASE("enroll's help names the flags of the agent that it takes") {
  const std::vector<const char*> words{"hivemind-agent", "enroll", "--help"};
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  const CommandLine line = read_command_line(static_cast<int>(words.size()), words.data());
  std::cout.rdbuf(before);
  CHECK(line.exit_code == 0);
  CHECK_THAT(out.str(), ContainsSubstring("--node ID") && ContainsSubstring("--data-dir DIR"));
}

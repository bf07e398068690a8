#include "hub/cli/bootstrap.h"

#include "common/file.h"
#include "hub/desired/yaml/node.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::hub;
using tests::ContainsSubstring;

namespace {

const cli::Bootstrap kMachine{
    "https://hub.example:7373",
    "hm1.47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU.0a1b2c3d4e.-_secret_-0123456789ab",
    "https://get.example/hivemind-agent_{arch}.deb?v=1&x"};

// What a POSIX shell says to it without running it; empty: nothing.
std::string complaints(const std::string& script) {
  const tests::TemporaryDirectory directory;
  write_file_durably(directory / "script", script, 0600);
  const tests::Outcome outcome = tests::run({"sh", "-n", directory / "script"});
  return outcome.exit_code == 0 ? ""
                                : "exit code " + std::to_string(outcome.exit_code) + ": " + outcome.errors;
}

// The part of a script that stands between two lines.
std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin) + begin.size();
  return text.substr(from, text.find(end, from) - from);
}

yaml::Node parsed(const std::string& text) {
  Diagnostics diagnostics;
  std::optional<yaml::Node> root = yaml::parse(text, "user-data", diagnostics);
  REQUIRE(root);
  CHECK(diagnostics.empty());
  return *root;
}

}  // namespace

TEST_CASE("the script is one that a POSIX shell understands, and names hub, token and package") {
  const std::string script = cli::bootstrap_script(kMachine);
  CHECK(complaints(script).empty());
  CHECK_THAT(script, ContainsSubstring("hub='https://hub.example:7373'\n"));
  CHECK_THAT(script, ContainsSubstring("token='" + kMachine.token + "'\n"));
  CHECK_THAT(script, ContainsSubstring("package='" + kMachine.package + "'\n"));
  CHECK_FALSE(complaints("if true; then\n").empty());  // the check finds what is wrong
}

TEST_CASE("user-data parses, and holds the script and the service byte by byte") {
  const std::string text = cli::cloud_init(kMachine);
  CHECK(text.starts_with("#cloud-config\n"));
  const yaml::Node root = parsed(text);
  const yaml::Node* files = root.find("write_files");
  REQUIRE(files != nullptr);
  REQUIRE(files->items.size() == 2);
  CHECK(files->items[0].find("path")->scalar == "/usr/local/sbin/hivemind-bootstrap");
  CHECK(files->items[0].find("permissions")->scalar == "0700");
  CHECK(files->items[0].find("content")->scalar == cli::bootstrap_script(kMachine));
  CHECK(files->items[1].find("path")->scalar == "/etc/systemd/system/hivemind-bootstrap.service");
  CHECK(files->items[1].find("content")->scalar.find(kMachine.token) == std::string::npos);
  const yaml::Node* commands = root.find("runcmd");
  REQUIRE(commands != nullptr);
  CHECK(commands->items.size() == 3);
}

TEST_CASE("the first run of a Raspberry Pi leaves the same script, and the service that runs it") {
  const std::string text = cli::pi_first_run(kMachine);
  CHECK(complaints(text).empty());
  CHECK(between(text, "<<'BOOTSTRAP'\n", "BOOTSTRAP\nchmod") == cli::bootstrap_script(kMachine));
  CHECK_THAT(text, ContainsSubstring("systemd.run=/boot/firmware/firstrun.sh"));
}

TEST_CASE("a program that comes without a package is confined like any other") {
  const std::string script = cli::bootstrap_script(kMachine);
  CHECK(between(script, "<<'UNIT'\n", "UNIT\n") == read_file(AGENT_UNIT));
  CHECK_THAT(script, ContainsSubstring("/etc/hivemind/agent.toml"));  // which the unit names
}

TEST_CASE("the script installs, enrols once, and takes the token away") {
  // Run for real, with every program that it would use put in its place; what they are asked is written down.
  const tests::TemporaryDirectory directory;
  const std::string log = directory / "log";
  for (const char* program : {"apt-get", "curl", "systemctl", "hivemind-agent", "docker"}) {
    const std::string body =
        std::string(program) == "hivemind-agent"
            ? "echo \"token $HIVEMIND_ENROLL_TOKEN\" >>" + log + "\nmkdir -p \"$5/identity\"\n"
            : "";
    write_file_durably(directory / program,
                       "#!/bin/sh\necho \"" + std::string(program) + " $*\" >>" + log + "\n" + body, 0700);
  }
  write_file_durably(directory / "dpkg", "#!/bin/sh\necho arm64\n", 0700);
  std::string script = cli::bootstrap_script(kMachine);
  const auto replace = [&](const std::string& from, const std::string& to) {
    REQUIRE(script.find(from) != std::string::npos);
    for (std::size_t at = 0; (at = script.find(from, at)) != std::string::npos; at += to.size())
      script.replace(at, from.size(), to);
  };
  const std::string state = directory / "state", left = directory / "left";
  replace("/var/lib/hivemind/agent", state);
  replace("rm -f /etc/systemd/system/hivemind-bootstrap.service /usr/local/sbin/hivemind-bootstrap",
          "rm -f " + left);
  write_file_durably(left, "the script with its token", 0600);
  const std::string file = directory / "script";
  write_file_durably(file, script, 0700);
  const std::map<std::string, std::string> environment{
      {"PATH", directory.path().string() + ":/usr/bin:/bin"}};
  const tests::Outcome outcome = tests::run({"sh", file}, environment);
  INFO(outcome.errors);
  REQUIRE(outcome.exit_code == 0);
  // The token is not among the arguments, which everybody on a machine can see.
  const std::string enrolled = "hivemind-agent enroll --hub https://hub.example:7373 --data-dir " + state +
                               "\ntoken " + kMachine.token + "\n";
  CHECK(read_file(log) ==
        "systemctl daemon-reload\nsystemctl stop hivemind-agent.service\n" + enrolled +
            "systemctl enable hivemind-agent.service\nsystemctl start hivemind-agent.service\n"
            "systemctl disable hivemind-bootstrap.service\n");
  CHECK_FALSE(std::filesystem::exists(left));
  std::filesystem::remove(log);
  CHECK(tests::run({"sh", file}, environment).exit_code == 0);
  CHECK(read_file(log).find("enroll") == std::string::npos);
}

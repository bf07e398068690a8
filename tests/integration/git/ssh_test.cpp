#include <fstream>
#include <optional>

#include <pwd.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "hub/desired/git/mirror.h"
#include "tests/support/catch.h"
#include "tests/support/git_repository.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::hub::git {
namespace {

using namespace std::chrono_literals;
using tests::ContainsSubstring;
using tests::GitRepository;
using tests::TemporaryDirectory;

void run(std::vector<std::string> command) {
  const tests::Outcome outcome = tests::run(std::move(command));
  if (outcome.exit_code != 0) throw std::runtime_error(outcome.errors);
}

// An sshd of our own on a loopback port, for the user that runs the test, with keys made for this one test.
struct Server {
  TemporaryDirectory directory;
  GitRepository repository{directory / "fleet"};
  int port = tests::free_port();
  std::string user = ::getpwuid(::geteuid())->pw_name;
  std::string key = directory / "key";
  std::string known_hosts = directory / "known_hosts";
  std::optional<tests::Process> process;

  Server() {
    make_key("host");
    make_key("key");
    std::filesystem::copy_file(key + ".pub", directory / "authorized_keys");
    std::ofstream(directory / "sshd_config")
        << "ListenAddress 127.0.0.1\nPort " << port << "\nHostKey " << (directory / "host").string()
        << "\nAuthorizedKeysFile " << (directory / "authorized_keys").string()
        << "\nPidFile none\nUsePAM no\nStrictModes no\nPasswordAuthentication "
           "no\nKbdInteractiveAuthentication no\n"
        << "PermitRootLogin yes\nLogLevel ERROR\n";
    std::error_code ignored;  // sshd insists on it only when root runs it, who may make it
    std::filesystem::create_directories("/run/sshd", ignored);
    process.emplace(std::vector<std::string>{"/usr/sbin/sshd", "-D", "-e", "-f", directory / "sshd_config"},
                    tests::Process::Options{directory / "sshd.log", {}});
    write_known_hosts("host");
    const auto answers = [&] {
      return tests::run({"ssh-keyscan", "-p", std::to_string(port), "127.0.0.1"})
                 .output.find("ssh-ed25519") != std::string::npos;
    };
    if (!tests::wait_until(answers, 10s))
      throw std::runtime_error("no sshd: " + read_file(directory / "sshd.log"));
  }

  void make_key(const std::string& name) {
    run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / name});
  }
  void write_known_hosts(const std::string& host_key) {
    std::ofstream(known_hosts, std::ios::trunc)
        << "[127.0.0.1]:" << port << ' ' << read_file(directory / (host_key + ".pub"));
  }
  RemoteOptions options() const {
    return {.url = "ssh://" + user + "@127.0.0.1:" + std::to_string(port) + repository.path().string(),
            .ssh_key = key,
            .known_hosts = known_hosts};
  }
};

Error error_of(const std::filesystem::path& directory, const RemoteOptions& options) {
  try {
    Mirror(directory, options).fetch();
  } catch (const Error& error) {
    return error;
  }
  return {ErrorCode::kInternal, "nothing was thrown"};
}

TEST_CASE("a branch is mirrored over SSH") {
  Server server;
  const std::string first = server.repository.write("x", "1").commit();
  Mirror mirror(server.directory / "mirror", server.options());
  CHECK(mirror.fetch().revision == first);
  CHECK(!mirror.fetch().changed);
  const std::string second = server.repository.write("x", "2").commit();
  CHECK(mirror.fetch().revision == second);
  CHECK(mirror.snapshot(second)->read("x", 10) == "2");
}

TEST_CASE("the user is taken from the settings when the address names none") {
  Server server;
  const std::string commit = server.repository.write("x", "1").commit();
  RemoteOptions options = server.options();
  options.url.replace(0, ("ssh://" + server.user + "@").size(), "ssh://");
  options.username = server.user;
  CHECK(Mirror(server.directory / "mirror", options).fetch().revision == commit);
}

TEST_CASE("a key without its public half beside it works") {
  Server server;
  const std::string commit = server.repository.write("x", "1").commit();
  std::filesystem::remove(server.key + ".pub");
  CHECK(Mirror(server.directory / "mirror", server.options()).fetch().revision == commit);
}

TEST_CASE("hashed known hosts work") {
  Server server;
  const std::string commit = server.repository.write("x", "1").commit();
  run({"ssh-keygen", "-q", "-H", "-f", server.known_hosts});
  REQUIRE(read_file(server.known_hosts).starts_with("|1|"));
  CHECK(Mirror(server.directory / "mirror", server.options()).fetch().revision == commit);
}

TEST_CASE("a host that is not known is refused, with what to do") {
  Server server;
  server.repository.write("x", "1").commit();
  std::filesystem::remove(server.known_hosts);
  const Error error = error_of(server.directory / "mirror", server.options());
  CHECK(error.code() == ErrorCode::kDenied);
  CHECK_THAT(error.what(), ContainsSubstring("ssh-keyscan -p " + std::to_string(server.port)));
  CHECK_THAT(error.what(), ContainsSubstring("SHA256:"));
}

TEST_CASE("a host with another key than the known one is refused") {
  Server server;
  server.repository.write("x", "1").commit();
  server.make_key("other");
  server.write_known_hosts("other");
  const Error error = error_of(server.directory / "mirror", server.options());
  CHECK(error.code() == ErrorCode::kDenied);
  CHECK_THAT(error.what(), ContainsSubstring("somebody may be in the middle"));
}

TEST_CASE("a key that the server does not accept is refused, not tried for ever") {
  Server server;
  server.repository.write("x", "1").commit();
  server.make_key("stranger");
  RemoteOptions options = server.options();
  options.ssh_key = server.directory / "stranger";
  const Error error = error_of(server.directory / "mirror", options);
  CHECK(error.code() == ErrorCode::kDenied);
  CHECK_THAT(error.what(), ContainsSubstring("authentication failed for user '" + server.user + "'"));
}

TEST_CASE("a key file that is missing or no key is told") {
  Server server;
  server.repository.write("x", "1").commit();
  RemoteOptions options = server.options();
  options.ssh_key = server.directory / "nothing";
  Error error = error_of(server.directory / "mirror", options);
  CHECK(error.code() == ErrorCode::kDenied);
  CHECK_THAT(error.what(), ContainsSubstring("nothing' cannot be read"));
  std::ofstream(server.directory / "nothing") << "no key";
  CHECK(error_of(server.directory / "mirror", options).code() == ErrorCode::kDenied);
}

TEST_CASE("a repository that is not there is told over SSH") {
  Server server;
  RemoteOptions options = server.options();
  options.url += "-nothing";
  const Error error = error_of(server.directory / "mirror", options);
  CHECK(error.code() == ErrorCode::kNotFound);
  CHECK_THAT(error.what(), ContainsSubstring("-nothing"));
}

}  // namespace
}  // namespace hivemind::hub::git

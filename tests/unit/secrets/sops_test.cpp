#include "hub/secrets/sops.h"

#include <csignal>
#include <filesystem>

#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::hub;
using namespace std::chrono_literals;

namespace {

// A program in sops's place that does what the script says.
std::string program(const tests::TemporaryDirectory& directory, const std::string& script) {
  const std::filesystem::path file = directory.path() / "sops";
  write_file_durably(file, "#!/bin/sh\n" + script + "\n", 0755);
  return file.string();
}

ErrorCode failure(const Sops& sops, std::string* message = nullptr) {
  std::signal(SIGPIPE, SIG_IGN);  // as the hub does
  try {
    sops.decrypt_env_file("A=ENC[x]\nsops_mac=x\nsops_version=3\n");
  } catch (const Error& error) {
    if (message != nullptr) *message = error.what();
    return error.code();
  }
  return ErrorCode::kInternal;
}

}  // namespace

TEST_CASE("sops gets the file on standard input, and is asked once for the same file") {
  const tests::TemporaryDirectory directory;
  const Sops sops(program(directory,
                          "echo x >> \"$0.calls\"; [ \"$*\" = \"--decrypt --input-type=dotenv "
                          "--output-type=dotenv /dev/stdin\" ] && cat"));
  const std::string large = "A=" + std::string(300'000, 'a') + "\n";
  CHECK(sops.decrypt_env_file(large) == large);
  CHECK(sops.decrypt_env_file(large) == large);
  CHECK(read_file(directory.path() / "sops.calls") == "x\n");
  CHECK(sops.decrypt_env_file("B=1\n") == "B=1\n");
}

TEST_CASE("a sops that is absent, fails, hangs or floods is an error that says so") {
  const tests::TemporaryDirectory directory;
  std::string message;
  CHECK(failure(Sops((directory.path() / "none").string())) == ErrorCode::kNotFound);
  CHECK(failure(Sops(program(directory, "echo 'no key\nfound' >&2; exit 128")), &message) ==
        ErrorCode::kDenied);
  CHECK(message == "sops: it ends with code 128: no key found");
  CHECK(failure(Sops(program(directory, "exec sleep 60"), 100ms)) == ErrorCode::kUnavailable);
  CHECK(failure(Sops(program(directory, "exec cat /dev/zero"))) == ErrorCode::kExhausted);
  CHECK(failure(Sops(program(directory, "kill -9 $$"))) == ErrorCode::kDenied);
}

TEST_CASE("what has failed is tried again") {
  const tests::TemporaryDirectory directory;
  const Sops sops(program(directory, "[ -e \"$0.key\" ] && cat"));
  CHECK(failure(sops) == ErrorCode::kDenied);
  write_file_durably(directory.path() / "sops.key", "", 0600);
  CHECK(sops.decrypt_env_file("A=1\n") == "A=1\n");
}

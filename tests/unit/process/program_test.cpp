#include "hub/process/program.h"

#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <sys/socket.h>

#include "common/descriptor.h"
#include "common/error.h"
#include "common/file.h"
#include "common/text.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::hub;
using namespace std::chrono_literals;
using tests::ContainsSubstring;

namespace {

Program shell(const std::string& script) {
  return {.words = {"sh", "-c", script},
          .environment = bare_environment(),
          .input = "",
          .file = std::nullopt,
          .most_output = 1000,
          .limit = 20s};
}

ErrorCode failure(const Program& program, std::string* message = nullptr) {
  try {
    run_program(program);
  } catch (const Error& error) {
    if (message != nullptr) *message = error.what();
    return error.code();
  }
  return ErrorCode::kInternal;
}

// One that has ended and that nobody has waited for yet runs no more, either.
bool runs(const std::string& pid) {
  try {
    return !read_file("/proc/" + pid + "/cmdline").empty();
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

TEST_CASE("a program gets its input and its file, and tells how it ended and what it said") {
  Program program = shell("cat; cat /dev/fd/3; echo why >&2; exit 3");
  const std::string input(300'000, 'i');
  program.input = input;
  program.file = "file";
  program.most_output = 1'000'000;
  const Ended ended = run_program(program);
  CHECK(ended.exit_code == 3);
  CHECK(ended.out == input + "file");
  CHECK(ended.err == "why\n");
  CHECK(run_program(shell("kill -9 $$")).exit_code == 137);
}

TEST_CASE("a program gets the environment that it is given, and no more") {
  ::setenv("SECRET_OF_THE_HUB", "1", 1);
  Program program = shell("echo \"$SECRET_OF_THE_HUB|$OTHER\"; command -v sh");
  program.environment.emplace_back("OTHER=2");
  CHECK_THAT(run_program(program).out, ContainsSubstring("|2\n") && ContainsSubstring("/sh\n"));
  program.environment = own_environment();
  CHECK_THAT(run_program(program).out, ContainsSubstring("1|\n"));
}

TEST_CASE("a program inherits none of the hub's descriptors, also none of those that children inherit") {
  // As Asio makes them; its number is none that a program is given.
  const Descriptor made(::socket(AF_INET, SOCK_STREAM, 0));
  const Descriptor socket(::fcntl(made.get(), F_DUPFD, 20));
  REQUIRE(::fcntl(socket.get(), F_GETFD) == 0);
  const std::string here = "/proc/self/fd/" + std::to_string(socket.get());
  REQUIRE(std::filesystem::exists(std::filesystem::symlink_status(here)));
  Program program =
      shell("for n in 0 1 2 3 4 5 6 7 8 9 $1; do [ -e /proc/self/fd/$n ] && echo $n; done; exit 0");
  program.words.insert(program.words.end(), {"sh", std::to_string(socket.get())});
  CHECK(run_program(program).out == "0\n1\n2\n");
  program.file = "";
  CHECK(run_program(program).out == "0\n1\n2\n3\n");
}

TEST_CASE("a program that takes too long is killed, with all that it has started") {
  const tests::TemporaryDirectory directory;
  const std::filesystem::path pids = directory / "pids";
  Program program = shell("sleep 60 & echo \"$!\" >\"$1\"; wait");
  program.words.insert(program.words.end(), {"sh", pids.string()});
  program.limit = 500ms;
  const auto begin = std::chrono::steady_clock::now();
  std::string message;
  CHECK(failure(program, &message) == ErrorCode::kUnavailable);
  CHECK(message == "program 'sh' does not end within 500 ms (it was killed)");
  CHECK(std::chrono::steady_clock::now() - begin < 20s);
  const std::string started(trimmed(read_file(pids)));
  REQUIRE_FALSE(started.empty());
  CHECK(tests::wait_until([&] { return !runs(started); }, 10s));
}

TEST_CASE("of a program that says too much no more than the limit is taken") {
  std::string message;
  const auto begin = std::chrono::steady_clock::now();
  CHECK(failure(shell("exec cat /dev/zero"), &message) == ErrorCode::kExhausted);
  CHECK(message == "program 'sh' writes more than 1000 bytes");
  CHECK(std::chrono::steady_clock::now() - begin < 10s);
  CHECK(failure(shell("head -c 1001 /dev/zero")) == ErrorCode::kExhausted);
  const Ended ended = run_program(shell("head -c 1000 /dev/zero; head -c 300000 /dev/zero >&2; exit 1"));
  CHECK(ended.exit_code == 1);
  CHECK(ended.out.size() == 1000);
  CHECK(ended.err.size() == 4096);  // the rest is let go, so that the program can go on
}

TEST_CASE("what a program leaves behind is not waited for") {
  const auto begin = std::chrono::steady_clock::now();
  CHECK(run_program(shell("sleep 15 & echo said")).out == "said\n");
  CHECK(std::chrono::steady_clock::now() - begin < 10s);
}

TEST_CASE("a program that is not there is told") {
  Program program = shell("");
  program.words = {"no-such-program-here"};
  std::string message;
  CHECK(failure(program, &message) == ErrorCode::kNotFound);
  CHECK(message == "program 'no-such-program-here' cannot be run: No such file or directory");
}

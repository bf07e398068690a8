#include <future>
#include <thread>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/error.h"
#include "hub/desired/git/mirror.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::hub::git {
namespace {

using namespace std::chrono_literals;
using tests::ContainsSubstring;
using tests::TemporaryDirectory;

// Takes connections (the kernel does so for it) and never says a word.
class SilentServer {
 public:
  SilentServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(fd_, generic, length) != 0 || ::listen(fd_, 5) != 0 ||
        ::getsockname(fd_, generic, &length) != 0) {
      throw std::runtime_error("no server");
    }
    port_ = ntohs(address.sin_port);
  }
  ~SilentServer() { ::close(fd_); }
  std::string port() const { return std::to_string(port_); }

 private:
  int fd_;
  int port_ = 0;
};

struct Outcome {
  Error error{ErrorCode::kInternal, "nothing was thrown"};
  std::chrono::steady_clock::duration took{};
};

Outcome fetch(Mirror& mirror) {
  Outcome outcome;
  const auto start = std::chrono::steady_clock::now();
  try {
    mirror.fetch();
  } catch (const Error& error) {
    outcome.error = error;
  }
  outcome.took = std::chrono::steady_clock::now() - start;
  return outcome;
}

TEST_CASE("a server that says nothing is given up after the time-out") {
  const SilentServer server;
  const TemporaryDirectory directory;
  for (const std::string scheme : {"http://", "https://", "ssh://git@"}) {
    CAPTURE(scheme);
    Mirror mirror(directory / "mirror",
                  {.url = scheme + "127.0.0.1:" + server.port() + "/x", .timeout = 300ms});
    const Outcome outcome = fetch(mirror);
    CHECK(outcome.error.code() == ErrorCode::kUnavailable);
    CHECK_THAT(outcome.error.what(), ContainsSubstring("timed out"));
    CHECK(outcome.took >= 300ms);
    CHECK(outcome.took < 5s);
  }
}

TEST_CASE("a fetch that hangs is cancelled from another thread") {
  const SilentServer server;
  const TemporaryDirectory directory;
  for (const std::string scheme : {"http://", "https://", "ssh://git@"}) {
    CAPTURE(scheme);
    Mirror mirror(directory / "mirror",
                  {.url = scheme + "127.0.0.1:" + server.port() + "/x", .timeout = 60s});
    std::future<Outcome> fetching = std::async(std::launch::async, [&] { return fetch(mirror); });
    CHECK(fetching.wait_for(200ms) == std::future_status::timeout);
    mirror.cancel();
    REQUIRE(fetching.wait_for(5s) == std::future_status::ready);
    const Outcome outcome = fetching.get();
    CHECK(outcome.error.code() == ErrorCode::kUnavailable);
    CHECK_THAT(outcome.error.what(), ContainsSubstring("cancelled"));
  }
}

}  // namespace
}  // namespace hivemind::hub::git

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include "agent/engine/docker_engine.h"
#include "common/error.h"
#include "tests/integration/engine/live_engine.h"
#include "tests/support/catch.h"
#include "tests/support/engine_proxy.h"
#include "tests/support/temporary_directory.h"

// What the adapter makes of an engine that goes away or answers nonsense: the real one, behind a proxy.
namespace hivemind::agent {
namespace {

using namespace std::chrono_literals;
using tests::ContainsSubstring;
using tests::EngineProxy;
using tests::LiveEngine;

struct Bench {
  tests::TemporaryDirectory directory;
  LiveEngine live;
  EngineProxy proxy{directory / "engine.sock", live.address.text()};
  DockerEngine engine{live.loop.get_executor(), http::Address::parse(proxy.docker_host()), live.node};

  Error failure() {
    try {
      live.await(engine.observe());
    } catch (const Error& error) {
      return error;
    }
    return {ErrorCode::kInternal, "did not fail"};
  }
};

}  // namespace

TEST_CASE("an observation only reads, and settles the version once") {
  if (!LiveEngine::is_reachable()) return;
  Bench bench;
  bench.live.make("one", "true");
  bench.live.await(bench.engine.observe());
  bench.proxy.clear();
  CHECK(bench.live.await(bench.engine.observe()).containers.size() == 1);
  CHECK(bench.proxy.writes().empty());
  CHECK(bench.proxy.requests().size() == 4);
}

TEST_CASE("every write is one request") {
  if (!LiveEngine::is_reachable()) return;
  Bench bench;
  const auto made = bench.live.await(
      bench.engine.create_container(bench.live.name("counted"), "", bench.live.body("true")));
  bench.live.await(bench.engine.start_container(made.id));
  bench.live.await(bench.engine.remove_container(made.id, true));
  CHECK(bench.proxy.writes() ==
        std::vector<std::string>{"POST /containers/create?name=" + bench.live.name("counted"),
                                 "POST /containers/" + made.id + "/start",
                                 "DELETE /containers/" + made.id + "?v=1&force=1"});
}

TEST_CASE("an engine that is down is unavailable, and is found again with its version asked anew") {
  if (!LiveEngine::is_reachable()) return;
  Bench bench;
  bench.live.await(bench.engine.observe());
  bench.proxy.refuse();
  CHECK(bench.failure().code() == ErrorCode::kUnavailable);
  CHECK_THAT(bench.failure().what(), ContainsSubstring("cannot connect"));
  bench.proxy.accept();
  bench.proxy.clear();
  bench.live.await(bench.engine.observe());
  CHECK(bench.proxy.requests().at(0).text() == "GET /_ping");
}

TEST_CASE("nonsense from the engine is an error with a clear code at every call, then all is well again") {
  if (!LiveEngine::is_reachable()) return;
  Bench bench;
  bench.live.await(bench.engine.observe());
  bench.proxy.intercept(EngineProxy::garbage());
  CHECK(bench.failure().code() == ErrorCode::kCorrupt);
  CHECK_THAT(bench.failure().what(), ContainsSubstring("is not HTTP"));
  bench.proxy.intercept(EngineProxy::broken_json());
  CHECK(bench.failure().code() == ErrorCode::kCorrupt);
  CHECK_THAT(bench.failure().what(), ContainsSubstring("is not JSON"));
  bench.proxy.intercept(EngineProxy::truncated());
  CHECK(bench.failure().code() == ErrorCode::kUnavailable);
  CHECK_THAT(bench.failure().what(), ContainsSubstring("broke off"));
  bench.proxy.intercept(EngineProxy::status(500, "write /var/lib/docker: no space left on device"));
  CHECK(bench.failure().code() == ErrorCode::kExhausted);
  bench.proxy.intercept(EngineProxy::status(500, "something else"));
  CHECK(bench.failure().code() == ErrorCode::kInternal);
  CHECK_THAT(bench.failure().what(), ContainsSubstring("something else"));
  bench.proxy.intercept(nullptr);
  bench.live.await(bench.engine.observe());
}

TEST_CASE("an engine that has become too old for the settled version is asked anew") {
  if (!LiveEngine::is_reachable()) return;
  Bench bench;
  bench.live.await(bench.engine.observe());
  bench.proxy.intercept(
      EngineProxy::status(400, "client version 1.47 is too new. Maximum supported API version is 1.41"));
  // One request at a time: of an observation that is refused, others could arrive later.
  try {
    bench.live.await(bench.engine.volume_exists("any"));
    FAIL("was not refused");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kUnavailable);
  }
  bench.proxy.intercept(nullptr);
  bench.proxy.clear();
  bench.live.await(bench.engine.observe());
  CHECK(bench.proxy.requests().at(0).text() == "GET /_ping");
}

TEST_CASE("an engine below API 1.41 is refused, saying so") {
  if (!LiveEngine::is_reachable()) return;
  Bench bench;
  bench.proxy.intercept([](const tests::EngineRequest&) {
    const std::string body = R"({"Version":"19.03.1","ApiVersion":"1.40"})";
    return "HTTP/1.1 200 OK\r\nApi-Version: 1.40\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  });
  CHECK(bench.failure().code() == ErrorCode::kConflict);
  CHECK_THAT(bench.failure().what(),
             ContainsSubstring("engine '19.03.1' speaks API 1.40, this agent 1.41 and later"));
}

TEST_CASE("a container that goes while it is looked at is left out") {
  if (!LiveEngine::is_reachable()) return;
  Bench bench;
  const std::string gone = bench.live.make("gone", "true");
  bench.live.make("stays", "true");
  const auto absent = EngineProxy::status(404, "No such container");
  bench.proxy.intercept([gone, absent](const tests::EngineRequest& request) -> std::optional<std::string> {
    if (request.target != "/containers/" + gone + "/json") return std::nullopt;
    return absent(request);
  });
  const auto observed = bench.live.await(bench.engine.observe());
  REQUIRE(observed.containers.size() == 1);
  CHECK(observed.containers[0].name == bench.live.name("stays"));
}

TEST_CASE("a watch that loses its engine ends with unavailable") {
  if (!LiveEngine::is_reachable()) return;
  Bench bench;
  bool open = false;
  std::optional<Error> ended;
  boost::asio::co_spawn(bench.live.loop, bench.engine.watch([&] { open = true; }, [](EngineEvent) {}),
                        [&](std::exception_ptr failure) {
                          try {
                            std::rethrow_exception(failure);
                          } catch (const Error& error) {
                            ended = error;
                          }
                        });
  bench.live.loop.restart();
  while (!open) bench.live.loop.run_one();
  bench.proxy.refuse();
  while (!ended) bench.live.loop.run_one();
  CHECK(ended->code() == ErrorCode::kUnavailable);
  CHECK_THAT(ended->what(), ContainsSubstring("watch the engine's events: "));
}

TEST_CASE("a pull that fails in its stream of status 200 has failed") {
  if (!LiveEngine::is_reachable()) return;
  Bench bench;
  bench.live.await(bench.engine.negotiate());
  const std::string lines =
      "{\"status\":\"Pulling from x\",\"id\":\"1\"}\r\n"
      "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":5,\"total\":10},\"id\":\"a\"}\r\n"
      "{\"errorDetail\":{\"message\":\"write /x: no space left on device\"},\"error\":\"write /x\"}\r\n";
  bench.proxy.intercept([lines](const tests::EngineRequest&) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(lines.size()) + "\r\n\r\n" + lines;
  });
  std::optional<Error> failed;
  try {
    bench.live.await(bench.engine.pull({"reg:5000/x", "linux/arm64"}, [](PullProgress) {}));
  } catch (const Error& error) {
    failed = error;
  }
  REQUIRE(failed.has_value());
  CHECK(failed->code() == ErrorCode::kExhausted);
  CHECK(std::string(failed->what()) == "pull image 'reg:5000/x': write /x: no space left on device");
  CHECK(bench.proxy.writes().back() ==
        "POST /images/create?fromImage=reg%3A5000%2Fx&tag=latest&platform=linux%2Farm64");
}

}  // namespace hivemind::agent

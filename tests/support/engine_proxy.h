#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hivemind::tests {

struct EngineRequest {
  std::string method;
  std::string target;  // path and query without the version: "/containers/create?name=web-app-1"
  std::string body;

  // Whether it changes something on the engine.
  bool is_write() const { return method != "GET" && method != "HEAD"; }
  std::string text() const { return method + " " + target; }
};

// Stands between an agent and the engine on a unix socket of its own, counts what goes through, and can be
// told to misbehave. It runs on its own thread, so that it serves processes and tests that block alike; all
// members may be called from the test's thread at any time.
class EngineProxy {
 public:
  // What to answer instead of asking the engine: raw bytes, after which the connection is closed. Nothing:
  // ask it. Called on the proxy's thread, for each request, before it is passed on.
  using Interceptor = std::function<std::optional<std::string>(const EngineRequest&)>;

  // engine: as in DOCKER_HOST. Listens when the constructor returns. Throws hivemind::Error (kInvalid) for
  // the address and boost::system::system_error when the socket cannot be made.
  EngineProxy(std::filesystem::path socket, const std::string& engine);
  ~EngineProxy();
  EngineProxy(const EngineProxy&) = delete;
  EngineProxy& operator=(const EngineProxy&) = delete;

  std::string docker_host() const;  // "unix://<socket>"

  // Since the beginning or the last clear(), in the order of arrival; those that were not passed on are among
  // them.
  std::vector<EngineRequest> requests() const;
  std::vector<std::string> writes() const;  // "POST /containers/create?name=web-app-1"
  void clear();

  // As if the engine were down: open connections break, new ones are refused. accept() brings it back.
  void refuse();
  void accept();

  enum class Moment {
    kBeforeWrite,  // the engine never hears of it
    kAfterWrite,   // the engine has done it, and its answer is on the way back
  };
  // At the n-th write from now on (from 1) the exchange breaks off, and `at` is called once, on the proxy's
  // thread: to kill the agent there, say. 0: never. Returns how many writes have come since the last call.
  int break_off(int n, Moment moment, std::function<void()> at);
  // All that passes is held up for so long.
  void delay(std::chrono::milliseconds each);

  void intercept(Interceptor interceptor);  // replaces the one before; nullptr: passes all on again

  // Interceptors for every request.
  static Interceptor garbage();      // bytes that are not HTTP
  static Interceptor broken_json();  // 200 with a body that is no JSON
  static Interceptor truncated();    // 200 with less body than its length says
  static Interceptor status(int code, const std::string& message);
  // The n-th write from now on (from 1) gets the other's answer, all else passes.
  static Interceptor nth_write(int n, Interceptor other);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hivemind::tests

#pragma once

#include <exception>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "agent/engine/docker_engine.h"
#include "common/http/client.h"

namespace hivemind::tests {

// Runs one coroutine to its end on a loop of which nothing else is expected to end.
template <typename T>
T await(boost::asio::io_context& loop, boost::asio::awaitable<T> task) {
  std::optional<T> result;
  std::exception_ptr failure;
  bool done = false;
  boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown, T value) {
    failure = thrown;
    if (!thrown) result = std::move(value);
    done = true;
  });
  loop.restart();
  while (!done) loop.run_one();
  if (failure) std::rethrow_exception(failure);
  return std::move(*result);
}

inline void await(boost::asio::io_context& loop, boost::asio::awaitable<void> task) {
  std::exception_ptr failure;
  bool done = false;
  boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown) {
    failure = thrown;
    done = true;
  });
  loop.restart();
  while (!done) loop.run_one();
  if (failure) std::rethrow_exception(failure);
}

// The engine of DOCKER_HOST with a node of its own and an image made of busybox; all that carries the node's
// label is removed at the end.
class LiveEngine {
 public:
  LiveEngine();
  ~LiveEngine();
  LiveEngine(const LiveEngine&) = delete;
  LiveEngine& operator=(const LiveEngine&) = delete;

  // Whether DOCKER_HOST is set and an engine answers there; warns when not.
  static bool is_reachable();

  template <typename T>
  T await(boost::asio::awaitable<T> task) {
    return tests::await(loop, std::move(task));
  }

  // The engine's own words, past the adapter.
  http::Response raw(const std::string& method, const std::string& target, const std::string& body = "");

  std::string name(const std::string& suffix) const { return node + "-" + suffix; }
  std::string image() const { return node + ":1"; }
  // JSON of the labels that make a thing ours.
  std::string labels() const;
  // A body of POST /containers/create that runs a shell command.
  std::string body(const std::string& command, const std::string& more = "") const;
  std::string make(const std::string& suffix, const std::string& command, const std::string& more = "");

  const std::string node;
  boost::asio::io_context loop{1};
  http::Address address;
  agent::DockerEngine engine;

 private:
  void import_image();
  void clean_up();

  http::Client client_;
};

}  // namespace hivemind::tests

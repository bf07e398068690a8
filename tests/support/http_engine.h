#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace hivemind::tests {

// As much of a Docker engine's HTTP interface as the agent uses, over containers that are nothing but
// records: for tests that run a real agent process thousands of times. It answers at once. What it knows can
// be taken and put back.
//
// Containers of an image whose name begins with "crash" end with code 3 as soon as they are started; all
// others run. Every image is there but those whose name begins with "absent", which cannot be pulled either.
//
// Serves on a thread of its own; all members may be called from the test's thread.
class HttpEngine {
 public:
  explicit HttpEngine(std::filesystem::path socket);
  ~HttpEngine();
  HttpEngine(const HttpEngine&) = delete;
  HttpEngine& operator=(const HttpEngine&) = delete;

  std::string docker_host() const;

  // All that it knows, as text.
  std::string state() const;
  void set_state(const std::string& state);

  // What "GET /version" says from now on ("1.41"), as after an upgrade; its event streams end.
  void upgrade(const std::string& api_version);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hivemind::tests

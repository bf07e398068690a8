#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "agent/engine/engine.h"
#include "agent/plan/past.h"

namespace hivemind::agent {

// Pulls of images, each in the background, so that no plan waits for one. Loop thread.
class Pulls : public std::enable_shared_from_this<Pulls> {
 public:
  struct Callbacks {
    std::function<void(const std::string& key)> on_done;  // the image is there
    std::function<void()> on_failed;                      // to be tried again once states() says so
    std::function<void()> on_progress;                    // a text of states() has changed
  };

  Pulls(boost::asio::any_io_executor loop, Engine& engine, Callbacks callbacks);

  // Nothing when it is under way already.
  void begin(const std::string& image, const std::string& platform);
  // Breaks off and forgets those that nobody waits for.
  void keep_only(const std::set<std::string>& keys);

  // What runs and what failed, by image_key(); a pull that succeeded is in it no more.
  const std::map<std::string, Fetch>& states() const { return states_; }

 private:
  struct Task {
    boost::asio::cancellation_signal cancel;
    bool wanted = true;
  };

  boost::asio::awaitable<void> pull(std::string key, std::string image, std::string platform,
                                    std::shared_ptr<Task> task);
  void failed(const std::string& key, const std::string& image, const std::string& why, v1::Reason reason);
  void progressed(const std::string& key, PullProgress progress);
  std::chrono::milliseconds delay_after(unsigned attempts);

  boost::asio::any_io_executor loop_;
  Engine& engine_;
  Callbacks callbacks_;
  std::map<std::string, Fetch> states_;
  std::map<std::string, unsigned> attempts_;
  std::map<std::string, std::shared_ptr<Task>> tasks_;
  std::mt19937_64 random_;
};

}  // namespace hivemind::agent

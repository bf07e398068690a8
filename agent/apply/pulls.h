#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "agent/apply/disk.h"
#include "agent/apply/images.h"
#include "agent/engine/engine.h"
#include "agent/plan/past.h"
#include "common/error.h"

namespace hivemind::agent {

struct PullWish {
  std::string image;
  std::string platform = {};
  std::optional<RegistryLogin> login = {};
  std::int64_t image_bytes = 0;       // compressed; 0: not known
  std::optional<Error> refusal = {};  // why its login cannot be had
};

// Pulls of images in the background, so that no plan waits for one: in the order in which they were asked
// for, some at a time. Loop thread.
class Pulls : public std::enable_shared_from_this<Pulls> {
 public:
  struct Options {
    unsigned at_once = 1;
    // What is kept free of the engine's disk; nothing: default_reserve(). 0: the disk is not looked at.
    std::optional<std::int64_t> reserve_bytes = {};
    // The engine's disk, where it can be seen from here. Absent: it cannot.
    std::function<std::optional<DiskSpace>()> disk = {};
  };
  struct Callbacks {
    std::function<void(const std::string& key)> on_done;  // the image is there
    std::function<void()> on_failed;                      // to be tried again once states() says so
    std::function<void()> on_progress;  // a text of states() has changed; once a second at most
  };

  // engine and images must outlive the loop's last turn.
  Pulls(boost::asio::any_io_executor loop, Engine& engine, Images& images, Options options,
        Callbacks callbacks);

  // Nothing when it is under way or waits for its turn already.
  void begin(PullWish wish);
  // Breaks off and forgets those that nobody waits for.
  void keep_only(const std::set<std::string>& keys);
  // Those that failed may be tried again now; in the first case not where a registry asked to be left alone.
  enum class Retry { kPolitely, kAtOnce };
  void retry(Retry retry);

  // What runs or waits for its turn, and what failed, by image_key(); a pull that succeeded is in it no more.
  const std::map<std::string, Fetch>& states() const { return states_; }

 private:
  struct Task {
    explicit Task(PullWish wished) : wish(std::move(wished)) {}
    PullWish wish;
    boost::asio::cancellation_signal cancel = {};
    bool wanted = true;
    bool is_outdated = false;            // retry() came meanwhile: its login may be of before
    std::optional<DiskSpace> disk = {};  // when it began
    std::int64_t checked_bytes = 0;      // the size that was found to fit
  };
  using TaskPtr = std::shared_ptr<Task>;

  void start_next();
  boost::asio::awaitable<void> run(std::string key, TaskPtr task);
  // What went wrong, or nothing.
  boost::asio::awaitable<std::optional<Error>> attempt(std::string key, TaskPtr task);
  boost::asio::awaitable<void> pull(std::string key, TaskPtr task);
  boost::asio::awaitable<bool> make_room();
  boost::asio::awaitable<std::int64_t> needed_by(PullWish wish);
  std::int64_t reserve_on(const DiskSpace& space) const;
  void check_disk(Task& task, PullProgress progress) const;
  void finish(const std::string& key, const Task& task, const std::optional<Error>& error);
  void failed(const std::string& key, const Task& task, const Error& error);
  void progressed(const std::string& key, PullProgress progress);

  boost::asio::any_io_executor loop_;
  Engine& engine_;
  Images& images_;
  Options options_;
  Callbacks callbacks_;
  std::map<std::string, Fetch> states_;
  std::map<std::string, unsigned> failures_;  // in a row
  std::set<std::string> told_off_;            // whose registries asked to be left alone
  std::map<std::string, TaskPtr> tasks_;      // that run
  std::deque<std::pair<std::string, TaskPtr>> queue_;
  std::chrono::steady_clock::time_point told_{};  // when on_progress ran last
  std::mt19937_64 random_;
};

}  // namespace hivemind::agent

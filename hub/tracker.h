#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/backoff.h"
#include "hub/api/operations.h"
#include "hub/git_worker.h"

namespace hivemind::hub {

// Decides when the repository is fetched and compiled: every poll interval, when somebody asks, after a
// failure with growing pauses, and when the nodes have changed. One task at a time; requests that come
// meanwhile share the next one.
//
// For the loop thread.
class Tracker {
 public:
  using Clock = std::chrono::steady_clock;

  struct Callbacks {
    // Completes the task: what to compile, for whom.
    std::function<void(GitTask&, ConfirmEmpty)> prepare;
    // Acts on the outcome. An Error means that it could not be stored: it is compiled and tried again later.
    std::function<SyncResult(const GitOutcome&, ConfirmEmpty)> act;
    // When the next fetch is due after a failure; nothing after a success.
    std::function<void(std::optional<Clock::time_point>)> on_retry;
  };

  Tracker(boost::asio::any_io_executor loop, GitWorker& worker, std::chrono::milliseconds poll_interval,
          Callbacks callbacks);

  // First what was fetched in an earlier run, then the first fetch.
  void start();
  void stop();

  // The nodes have changed: compile again, once they stop coming for a moment.
  void recompile_soon();
  // A recompilation is due or under way.
  bool settling() const { return recompile_ != Recompile::kNo || recompiling_; }

  boost::asio::awaitable<SyncResult> sync(ConfirmEmpty confirm);

 private:
  enum class Recompile { kNo, kDue };
  // Somebody waits for the outcome of the next task.
  struct Ticket {
    explicit Ticket(boost::asio::any_io_executor loop) : done(loop, Clock::time_point::max()) {}
    boost::asio::steady_timer done;
    std::optional<SyncResult> result;
    std::exception_ptr failure;
  };
  using Tickets = std::vector<std::shared_ptr<Ticket>>;

  boost::asio::awaitable<void> run();
  boost::asio::awaitable<void> round(GitTask::Fetch fetch);
  void finish(const GitOutcome& outcome, ConfirmEmpty confirm, const Tickets& tickets);
  void schedule_fetch(const GitOutcome& outcome);
  std::optional<GitTask::Fetch> due() const;
  Clock::time_point next_due() const;
  std::chrono::milliseconds jittered(std::chrono::milliseconds interval);

  boost::asio::any_io_executor loop_;
  GitWorker& worker_;
  std::chrono::milliseconds poll_interval_;
  Callbacks callbacks_;
  boost::asio::steady_timer wake_;
  Backoff fetch_backoff_;
  Backoff store_backoff_;
  std::mt19937_64 random_{std::random_device{}()};
  Clock::time_point fetch_at_{};
  Clock::time_point recompile_at_{};
  Recompile recompile_ = Recompile::kNo;
  bool recompiling_ = false;
  bool stopped_ = false;
  Tickets waiting_;
  ConfirmEmpty confirm_ = ConfirmEmpty::kNo;  // of those who wait
};

}  // namespace hivemind::hub

#include "agent/apply/executor.h"

#include <exception>
#include <memory>
#include <set>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace hivemind::agent {
namespace {

namespace asio = boost::asio;

// Shared by the coroutines of its steps, so that it lives as long as any of them.
class Execution : public std::enable_shared_from_this<Execution> {
 public:
  Execution(asio::any_io_executor loop, std::vector<Step> steps, RunStep run)
      : loop_(loop),
        steps_(std::move(steps)),
        run_(std::move(run)),
        outcomes_(steps_.size()),
        missing_(steps_.size()),
        followers_(steps_.size()),
        left_(steps_.size()),
        done_(loop, asio::steady_timer::time_point::max()) {
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      missing_[i] = steps_[i].after.size();
      for (const std::size_t before : steps_[i].after) followers_[before].push_back(i);
    }
  }

  asio::awaitable<std::vector<Outcome>> run() {
    const auto self = shared_from_this();
    // Settled before the first one runs: a step may be done within launch(), and free others.
    std::vector<std::size_t> ready;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (missing_[i] == 0) ready.push_back(i);
    }
    for (const std::size_t index : ready) launch(index);
    if (left_ > 0) co_await done_.async_wait(asio::as_tuple(asio::use_awaitable));
    co_return std::move(outcomes_);
  }

 private:
  void launch(std::size_t index) { asio::co_spawn(loop_, perform(index), asio::detached); }

  asio::awaitable<void> perform(std::size_t index) {
    const auto self = shared_from_this();
    std::optional<Error> error;
    try {
      co_await run_(steps_[index]);
    } catch (const Error& failure) {
      error = failure;
    } catch (const std::exception& failure) {
      error = Error(ErrorCode::kInternal, std::string(failure.what()));
    }
    finish(index, std::move(error));
  }

  void finish(std::size_t index, std::optional<Error> error) {
    outcomes_[index].state = error ? Outcome::State::kFailed : Outcome::State::kDone;
    outcomes_[index].error = std::move(error);
    close(index);
  }

  // A step that failed or was skipped settles all that come after it as skipped.
  void close(std::size_t index) {
    const bool done = outcomes_[index].state == Outcome::State::kDone;
    for (const std::size_t follower : followers_[index]) {
      if (!done) doomed_.insert(follower);
      if (--missing_[follower] > 0) continue;
      if (doomed_.contains(follower)) {
        close(follower);
      } else {
        launch(follower);
      }
    }
    if (--left_ == 0) done_.cancel();
  }

  asio::any_io_executor loop_;
  std::vector<Step> steps_;
  RunStep run_;
  std::vector<Outcome> outcomes_;
  std::vector<std::size_t> missing_;  // steps that must still be settled before it
  std::vector<std::vector<std::size_t>> followers_;
  std::set<std::size_t> doomed_;  // come after one that did not succeed
  std::size_t left_;
  asio::steady_timer done_;
};

}  // namespace

asio::awaitable<std::vector<Outcome>> execute(asio::any_io_executor loop, std::vector<Step> steps,
                                              RunStep run) {
  const auto execution = std::make_shared<Execution>(std::move(loop), std::move(steps), std::move(run));
  co_return co_await execution->run();
}

}  // namespace hivemind::agent

#include "hub/tracker.h"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/log.h"
#include "common/rethrow.h"

namespace hivemind::hub {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto kDebounce =
    5ms;  // a fleet that comes up together is compiled in few rounds, one node without delay to notice
constexpr auto kFirstRetry = 1s;
constexpr auto kMaxStoreRetry = 10s;

}  // namespace

Tracker::Tracker(asio::any_io_executor loop, GitWorker& worker, std::chrono::milliseconds poll_interval,
                 Callbacks callbacks)
    : loop_(loop),
      worker_(worker),
      poll_interval_(poll_interval),
      callbacks_(std::move(callbacks)),
      wake_(loop),
      fetch_backoff_(std::min<std::chrono::milliseconds>(kFirstRetry, poll_interval),
                     std::max<std::chrono::milliseconds>(poll_interval, kFirstRetry)),
      store_backoff_(kFirstRetry, kMaxStoreRetry) {}

void Tracker::start() {
  asio::co_spawn(loop_, run(), rethrow);
}

void Tracker::stop() {
  stopped_ = true;
  wake_.cancel();
}

void Tracker::recompile_soon() {
  if (recompile_ == Recompile::kDue) return;
  recompile_ = Recompile::kDue;
  recompile_at_ = Clock::now() + kDebounce;
  wake_.cancel();
}

asio::awaitable<SyncResult> Tracker::sync(ConfirmEmpty confirm) {
  const auto ticket = std::make_shared<Ticket>(loop_);
  waiting_.push_back(ticket);
  if (confirm == ConfirmEmpty::kYes) confirm_ = confirm;
  wake_.cancel();
  boost::system::error_code ignored;
  co_await ticket->done.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (ticket->failure) std::rethrow_exception(ticket->failure);
  if (!ticket->result) throw Error(ErrorCode::kUnavailable, "the hub is stopping");
  co_return std::move(*ticket->result);
}

asio::awaitable<void> Tracker::run() {
  // Without a network a fetch may take its time to fail; nodes that come up need not wait for that.
  co_await round(GitTask::Fetch::kNo);
  while (!stopped_) {
    const std::optional<GitTask::Fetch> task = due();
    if (task) {
      co_await round(*task);
      continue;
    }
    wake_.expires_at(next_due());
    boost::system::error_code ignored;
    co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

std::optional<GitTask::Fetch> Tracker::due() const {
  const Clock::time_point now = Clock::now();
  if (!waiting_.empty() || fetch_at_ <= now) return GitTask::Fetch::kYes;
  if (recompile_ == Recompile::kDue && recompile_at_ <= now) return GitTask::Fetch::kNo;
  return std::nullopt;
}

Tracker::Clock::time_point Tracker::next_due() const {
  return recompile_ == Recompile::kDue ? std::min(recompile_at_, fetch_at_) : fetch_at_;
}

asio::awaitable<void> Tracker::round(GitTask::Fetch fetch) {
  const Tickets tickets = fetch == GitTask::Fetch::kYes ? std::exchange(waiting_, {}) : Tickets();
  const ConfirmEmpty confirm =
      fetch == GitTask::Fetch::kYes ? std::exchange(confirm_, ConfirmEmpty::kNo) : ConfirmEmpty::kNo;
  GitTask task;
  task.fetch = fetch;
  recompiling_ = std::exchange(recompile_, Recompile::kNo) == Recompile::kDue;
  if (recompiling_ || confirm == ConfirmEmpty::kYes) task.compile = GitTask::Compile::kAlways;
  callbacks_.prepare(task, confirm);
  const GitOutcome outcome = co_await worker_.perform(std::move(task));
  recompiling_ = false;
  if (outcome.fetched) schedule_fetch(outcome);
  finish(outcome, confirm, tickets);
}

void Tracker::finish(const GitOutcome& outcome, ConfirmEmpty confirm, const Tickets& tickets) {
  std::optional<SyncResult> result;
  std::exception_ptr failure;
  try {
    result = callbacks_.act(outcome, confirm);
    store_backoff_.reset();
  } catch (const Error& error) {
    failure = std::current_exception();
    recompile_ = Recompile::kDue;
    recompile_at_ = Clock::now() + store_backoff_.next();
    log::error("revision '{}' cannot be acted on: {} (tried again by itself)", outcome.head, error.what());
  }
  for (const auto& ticket : tickets) {
    ticket->result = result;
    ticket->failure = failure;
    ticket->done.cancel();
  }
}

void Tracker::schedule_fetch(const GitOutcome& outcome) {
  if (!outcome.fetch_error) {
    fetch_backoff_.reset();
    fetch_at_ = Clock::now() + jittered(poll_interval_);
    callbacks_.on_retry(std::nullopt);
    return;
  }
  fetch_at_ = Clock::now() + fetch_backoff_.next();
  callbacks_.on_retry(fetch_at_);
}

// Hubs that were started together do not ask one Git server together for ever.
std::chrono::milliseconds Tracker::jittered(std::chrono::milliseconds interval) {
  const auto tenth = interval.count() / 10;
  return interval +
         std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(-tenth, tenth)(random_));
}

}  // namespace hivemind::hub

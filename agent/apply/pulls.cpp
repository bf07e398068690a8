#include "agent/apply/pulls.h"

#include <algorithm>
#include <functional>
#include <optional>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/error.h"

namespace hivemind::agent {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds kFirstRetry{2'000};
constexpr std::chrono::milliseconds kLongestRetry{300'000};
constexpr unsigned kMostDoublings = 10;

std::string progress_text(const std::string& key, PullProgress progress) {
  constexpr std::int64_t kMega = 1'000'000;
  if (progress.total_bytes <= 0) return fmt::format("pulls image '{}'", key);
  return fmt::format("pulls image '{}': {} of {} MB", key, progress.done_bytes / kMega,
                     (progress.total_bytes + kMega - 1) / kMega);
}

}  // namespace

Pulls::Pulls(asio::any_io_executor loop, Engine& engine, Callbacks callbacks)
    : loop_(std::move(loop)),
      engine_(engine),
      callbacks_(std::move(callbacks)),
      random_(std::random_device{}()) {}

void Pulls::begin(const std::string& image, const std::string& platform) {
  const std::string key = image_key(image, platform);
  if (tasks_.contains(key)) return;
  const auto task = std::make_shared<Task>();
  tasks_[key] = task;
  // What went wrong the last time stays visible until there is progress.
  Fetch& state = states_[key];
  const std::string before = state.state == Fetch::State::kFailed ? "; the last attempt: " + state.text : "";
  state = {Fetch::State::kPulling, {}, v1::REASON_PULLING, progress_text(key, {}) + before};
  asio::co_spawn(loop_, pull(key, image, platform, task),
                 asio::bind_cancellation_slot(task->cancel.slot(), asio::detached));
}

void Pulls::keep_only(const std::set<std::string>& keys) {
  std::erase_if(states_, [&](const auto& entry) { return !keys.contains(entry.first); });
  std::erase_if(attempts_, [&](const auto& entry) { return !keys.contains(entry.first); });
  std::map<std::string, std::shared_ptr<Task>> unwanted;
  for (const auto& [key, task] : tasks_) {
    if (!keys.contains(key)) unwanted.emplace(key, task);
  }
  for (const auto& [key, task] : unwanted) {
    task->wanted = false;
    tasks_.erase(key);
    task->cancel.emit(asio::cancellation_type::terminal);
  }
}

asio::awaitable<void> Pulls::pull(std::string key, std::string image, std::string platform,
                                  std::shared_ptr<Task> task) {
  const auto self = shared_from_this();
  std::optional<Error> error;
  try {
    // Named: g++ 12 destroys the captures of a lambda written in an awaited call twice when that throws.
    const std::function<void(PullProgress)> on_progress = [this, key, task](PullProgress progress) {
      if (task->wanted) progressed(key, progress);
    };
    PullRequest request{image, platform};
    co_await engine_.pull(std::move(request), on_progress);
  } catch (const Error& failure) {
    error = failure;
  } catch (const std::exception& failure) {
    error = Error(ErrorCode::kUnavailable, std::string(failure.what()));
  }
  if (!task->wanted) co_return;
  tasks_.erase(key);
  if (error) {
    failed(key, image, error->what(),
           error->code() == ErrorCode::kExhausted ? v1::REASON_DISK_SHORT : v1::REASON_PULL_FAILED);
    co_return;
  }
  states_.erase(key);
  attempts_.erase(key);
  callbacks_.on_done(key);
}

void Pulls::failed(const std::string& key, const std::string& image, const std::string& why,
                   v1::Reason reason) {
  const auto delay = delay_after(++attempts_[key]);
  states_[key] = {Fetch::State::kFailed, std::chrono::steady_clock::now() + delay, reason,
                  fmt::format("image '{}' not pulled: {}", image, why)};
  callbacks_.on_failed();
}

void Pulls::progressed(const std::string& key, PullProgress progress) {
  std::string text = progress_text(key, progress);
  if (progress.total_bytes <= 0 || states_[key].text == text) return;
  states_[key].text = std::move(text);
  callbacks_.on_progress();
}

// Between half and all of it, so that a fleet does not return to its registry as one.
std::chrono::milliseconds Pulls::delay_after(unsigned attempts) {
  const auto bound = std::min(kFirstRetry * (1u << std::min(attempts - 1, kMostDoublings)), kLongestRetry);
  return std::chrono::milliseconds(
      std::uniform_int_distribution<std::int64_t>(bound.count() / 2, bound.count())(random_));
}

}  // namespace hivemind::agent

#include "agent/apply/pulls.h"

#include <algorithm>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/apply/pull_delay.h"
#include "agent/plan/reference.h"
#include "common/log.h"

namespace hivemind::agent {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds kBetweenReports{1};
constexpr const char* kWaits = ": waits for its turn";

std::string progress_text(const std::string& key, PullProgress progress) {
  constexpr std::int64_t kMega = 1'000'000;
  if (progress.total_bytes <= 0) return fmt::format("pulls image '{}'", key);
  return fmt::format("pulls image '{}': {} % ({} of {} MB)", key,
                     progress.done_bytes * 100 / progress.total_bytes, progress.done_bytes / kMega,
                     (progress.total_bytes + kMega - 1) / kMega);
}

std::string name_of(std::string_view reference) {
  return ImageReference::parse(reference).name;
}

}  // namespace

Pulls::Pulls(asio::any_io_executor loop, Engine& engine, Images& images, Options options, Callbacks callbacks)
    : loop_(std::move(loop)),
      engine_(engine),
      images_(images),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      random_(std::random_device{}()) {}

void Pulls::begin(PullWish wish) {
  const std::string key = image_key(wish.image, wish.platform);
  const bool waits = std::ranges::any_of(queue_, [&](const auto& one) { return one.first == key; });
  if (waits || tasks_.contains(key)) return;
  // What went wrong the last time stays visible until there is progress.
  Fetch& state = states_[key];
  const std::string before = state.state == Fetch::State::kFailed ? "; the last attempt: " + state.text : "";
  state = {};
  state.text = progress_text(key, {}) + kWaits + before;
  queue_.emplace_back(key, std::make_shared<Task>(std::move(wish)));
  start_next();
}

void Pulls::start_next() {
  while (!queue_.empty() && tasks_.size() < options_.at_once) {
    const auto [key, task] = queue_.front();
    queue_.pop_front();
    tasks_[key] = task;
    Fetch& state = states_[key];
    if (const auto waits = state.text.find(kWaits); waits != std::string::npos)
      state.text.erase(waits, std::string_view(kWaits).size());
    asio::co_spawn(loop_, run(key, task), asio::bind_cancellation_slot(task->cancel.slot(), asio::detached));
  }
}

void Pulls::keep_only(const std::set<std::string>& keys) {
  const auto is_unwanted = [&](const auto& entry) { return !keys.contains(entry.first); };
  std::erase_if(states_, is_unwanted);
  std::erase_if(failures_, is_unwanted);
  std::erase_if(queue_, is_unwanted);
  std::erase_if(told_off_, [&](const std::string& key) { return !keys.contains(key); });
  std::map<std::string, TaskPtr> unwanted;
  std::ranges::copy_if(tasks_, std::inserter(unwanted, unwanted.end()), is_unwanted);
  for (const auto& [key, task] : unwanted) {
    task->wanted = false;
    tasks_.erase(key);
    images_.broken_off(task->wish.image);
    task->cancel.emit(asio::cancellation_type::terminal);
  }
  start_next();
}

void Pulls::retry(Retry retry) {
  for (const auto& [key, task] : tasks_) task->is_outdated = true;
  for (const auto& [key, task] : queue_) task->is_outdated = true;
  for (auto& [key, state] : states_) {
    if (state.state != Fetch::State::kFailed) continue;
    if (retry == Retry::kPolitely && told_off_.contains(key)) continue;
    state.not_before = {};
    failures_.erase(key);
  }
}

asio::awaitable<void> Pulls::run(std::string key, TaskPtr task) {
  const auto self = shared_from_this();
  std::optional<Error> error = co_await attempt(key, task);
  if (task->wanted && error && error->code() == ErrorCode::kExhausted) {
    const bool is_room = co_await make_room();
    if (is_room && task->wanted) error = co_await attempt(key, task);
  }
  if (task->wanted) finish(key, *task, error);
}

asio::awaitable<std::optional<Error>> Pulls::attempt(std::string key, TaskPtr task) {
  try {
    co_await pull(key, task);
  } catch (const Error& failure) {
    co_return failure;
  } catch (const std::exception& failure) {
    co_return Error(ErrorCode::kUnavailable, std::string(failure.what()));
  }
  co_return std::nullopt;
}

asio::awaitable<void> Pulls::pull(std::string key, TaskPtr task) {
  const std::string image = task->wish.image;
  if (task->wish.refusal) throw *task->wish.refusal;
  co_await images_.begin(image);
  if (options_.disk && options_.reserve_bytes != 0) task->disk = options_.disk();
  if (task->disk) {
    const std::int64_t needed = co_await needed_by(task->wish);
    const std::string why = shortage(*task->disk, reserve_on(*task->disk), needed);
    if (!why.empty()) throw Error(ErrorCode::kExhausted, why);
  }
  // Named: g++ 12 destroys the captures of a lambda written in an awaited call twice when that throws.
  const std::function<void(PullProgress)> on_progress = [this, key, task](PullProgress progress) {
    if (!task->wanted) return;
    progressed(key, progress);
    check_disk(*task, progress);
  };
  PullRequest request{image, task->wish.platform, task->wish.login};
  co_await engine_.pull(std::move(request), on_progress);
  if (task->wanted) co_await images_.end(image);
}

// What the hub knows of an image's size counts only where no image of that name is here: most of a newer
// version is often there already, and the pull itself says soon enough what is not.
asio::awaitable<std::int64_t> Pulls::needed_by(PullWish wish) {
  if (wish.image_bytes <= 0) co_return 0;
  const std::string name = name_of(wish.image);
  const std::vector<EngineImage> there = co_await engine_.images();
  for (const EngineImage& image : there) {
    for (const auto* names : {&image.references, &image.digests}) {
      for (const std::string& other : *names) {
        if (name_of(other) == name) co_return 0;
      }
    }
  }
  co_return unpacked_estimate(wish.image_bytes);
}

std::int64_t Pulls::reserve_on(const DiskSpace& space) const {
  return options_.reserve_bytes.value_or(default_reserve(space));
}

// Breaks the pull off by throwing out of the engine's stream. The sizes of layers become known one after the
// other.
void Pulls::check_disk(Task& task, PullProgress progress) const {
  if (!task.disk || progress.total_bytes <= task.checked_bytes) return;
  task.checked_bytes = progress.total_bytes;
  const std::int64_t needed = unpacked_estimate(progress.total_bytes);
  const std::string why = shortage(*task.disk, reserve_on(*task.disk), needed);
  if (!why.empty()) throw Error(ErrorCode::kExhausted, why);
}

asio::awaitable<bool> Pulls::make_room() {
  try {
    const std::size_t removed = co_await images_.clean();
    co_return removed > 0;
  } catch (const Error& error) {
    log::warn("no room could be made: {}", error.what());
  }
  co_return false;
}

void Pulls::finish(const std::string& key, const Task& task, const std::optional<Error>& error) {
  tasks_.erase(key);
  images_.broken_off(task.wish.image);
  start_next();
  if (error) {
    failed(key, task, *error);
    return;
  }
  states_.erase(key);
  failures_.erase(key);
  told_off_.erase(key);
  callbacks_.on_done(key);
}

void Pulls::failed(const std::string& key, const Task& task, const Error& error) {
  const PullWish& wish = task.wish;
  const std::string text = fmt::format("image '{}' not pulled: {}", wish.image, error.what());
  if (task.is_outdated && !asked_delay(error.what())) {
    states_[key] = {Fetch::State::kFailed, {}, v1::REASON_PULLING, text};
    callbacks_.on_failed();  // begun anew at once, as it is wished for now
    return;
  }
  const auto random = [this] { return std::uniform_real_distribution<double>(0, 1)(random_); };
  const auto delay = pull_delay(++failures_[key], error.what(), random);
  if (asked_delay(error.what())) {
    told_off_.insert(key);
  } else {
    told_off_.erase(key);
  }
  v1::Reason reason = error.code() == ErrorCode::kExhausted ? v1::REASON_DISK_SHORT : v1::REASON_PULL_FAILED;
  if (wish.refusal) reason = v1::REASON_SECRETS_FAILED;
  Fetch& state = states_[key];
  state = {Fetch::State::kFailed, std::chrono::steady_clock::now() + delay, reason, text};
  log::warn("{} (next attempt in {} s)", state.text, delay.count() / 1000);
  callbacks_.on_failed();
}

void Pulls::progressed(const std::string& key, PullProgress progress) {
  Fetch& state = states_[key];
  if (progress.total_bytes <= 0) return;
  state.done_bytes = progress.done_bytes;
  state.total_bytes = progress.total_bytes;
  std::string text = progress_text(key, progress);
  if (state.text == text) return;
  state.text = std::move(text);
  const auto now = std::chrono::steady_clock::now();
  if (now - told_ < kBetweenReports) return;
  told_ = now;
  callbacks_.on_progress();
}

}  // namespace hivemind::agent

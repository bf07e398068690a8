#include <algorithm>
#include <chrono>
#include <optional>

#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/apply/step_runner.h"
#include "agent/plan/utf8.h"
#include "common/error.h"
#include "common/log.h"

namespace hivemind::agent {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// The engine cannot end a command; what takes longer than this is left to itself.
constexpr milliseconds kPostStart{300'000};  // for each
constexpr milliseconds kPreStop{60'000};     // for all of them
constexpr std::size_t kLongestCommand = 200;

std::string text_of(const Hook& hook) {
  std::string text = fmt::format("{}", fmt::join(hook.command, " "));
  if (text.size() > kLongestCommand) text = std::string(front_of(text, kLongestCommand)) + "...";
  return text;
}

// What is wrong with it; empty: nothing.
std::string verdict_on(const Hook& hook, const Executed& executed, milliseconds limit) {
  const std::string output = executed.output.empty() ? "" : ": " + executed.output;
  if (!executed.exit_code) {
    return fmt::format("'{}' did not end within {} s{}", text_of(hook), limit.count() / 1000, output);
  }
  if (*executed.exit_code == 0) return {};
  return fmt::format("'{}' exited with code {}{}", text_of(hook), *executed.exit_code, output);
}

}  // namespace

asio::awaitable<void> StepRunner::run_post_start(std::string id, std::vector<Hook> hooks,
                                                 std::set<std::string> secrets) {
  for (const Hook& hook : hooks) {
    const Hook whole = vault_->filled_in(hook, &secrets);
    const Executed executed = co_await engine_.exec(id, whole, kPostStart);
    const std::string wrong = verdict_on(hook, executed, kPostStart);
    if (!wrong.empty()) throw Error(ErrorCode::kConflict, "{}", wrong);
  }
}

// Whatever becomes of them, the container is stopped.
asio::awaitable<void> StepRunner::run_pre_stop(std::shared_ptr<Occasion> occasion, Step step,
                                               std::string id) {
  const StopContainer stop = std::get<StopContainer>(step.action);
  std::vector<Notice> notices;
  const auto note = [&](const std::string& text) {
    log::warn("stack '{}': before the stop of container {}: {}", step.stack, stop.container.name, text);
    notices.push_back({step.stack, notice_kinds::kHookFailed, step.service,
                       fmt::format("before the stop of container {}: {}", stop.container.name, text)});
  };
  const Clock::time_point deadline = Clock::now() + kPreStop;
  std::vector<Hook> hooks;
  try {
    hooks = hooks_from_label(stop.pre_stop);
  } catch (const Error& error) {
    note(error.what());
  }
  for (const Hook& hook : hooks) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
    if (left <= milliseconds(0)) break;
    std::optional<Error> failure;
    Executed executed;
    try {
      const Hook whole = vault_->filled_in(hook);
      executed = co_await engine_.exec(id, whole, left);
    } catch (const Error& error) {
      failure = error;
    }
    const std::string wrong = failure ? failure->what() : verdict_on(hook, executed, kPreStop);
    if (!wrong.empty()) note(wrong);
    if (failure && failure->code() == ErrorCode::kUnavailable) break;
  }
  occasion->notices[subject_of(step.stack, step.service + "/pre_stop")] = std::move(notices);
}

}  // namespace hivemind::agent

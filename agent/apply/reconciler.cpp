#include "agent/apply/reconciler.h"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/log.h"
#include "common/rethrow.h"

namespace hivemind::agent {
namespace {

namespace asio = boost::asio;

// A first round asks; a second one may ask about what the answers have uncovered; and so once more for the
// releases that have turned out to be on the node.
constexpr int kRounds = 8;

std::int64_t wall_s() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

ApiLevel level_of(const ApiVersion& version) {
  return {version.major, version.minor};
}

std::vector<const DesiredStack*> awaited(const Desired& desired, const Targets& targets) {
  std::vector<const DesiredStack*> stacks;
  for (const DesiredStack& stack : desired.stacks) {
    if (is_awaited(targets.at(stack.name).phase)) stacks.push_back(&stack);
  }
  return stacks;
}

// Nothing is planned for a stack of which nothing may be put in place.
std::set<std::string> with_held(std::set<std::string> stacks, const Targets& targets) {
  for (const auto& [stack, target] : targets) {
    if (target.phase == Phase::kHeld) stacks.insert(stack);
  }
  return stacks;
}

}  // namespace

Reconciler::Reconciler(asio::any_io_executor loop, Engine& engine, Options options, Past past,
                       Callbacks callbacks)
    : loop_(loop),
      engine_(engine),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      runner_(loop, engine, Files(options_.data_directory),
              SecretFiles(options_.secrets_directory, options_.node), options_.vault),
      past_(std::move(past)),
      images_(engine, past_.images,
              {[this] { return desired_.get(); },
               [this]() -> const std::map<std::string, GoodRelease>& { return past_.good; },
               [this] { callbacks_.on_past(); }}),
      unpruned_(runner_.files().stacks()),
      timer_(loop),
      due_(Clock::now()) {
  unpruned_.merge(runner_.secret_files().stacks());
}

void Reconciler::start() {
  learn_secrets();
  pulls_ = make_pulls();
  asio::co_spawn(loop_, run(), rethrow);
  asio::co_spawn(loop_, watch(), rethrow);
}

void Reconciler::set_desired(std::shared_ptr<const Desired> desired) {
  promote_for_want_of_better(*desired);
  desired_ = std::move(desired);
  learn_secrets();
  // Whoever commits wants to see whether it helps: nothing that failed before waits any longer.
  for (auto& [subject, trouble] : past_.troubles) trouble.not_before = {};
  if (pulls_) pulls_->retry(Pulls::Retry::kPolitely);
  trigger();
}

void Reconciler::trigger(std::chrono::milliseconds delay) {
  const Clock::time_point at = Clock::now() + delay;
  if (at >= due_) return;
  due_ = at;
  timer_.cancel();
}

asio::awaitable<void> Reconciler::run() {
  const auto self = shared_from_this();
  for (;;) {
    co_await wait_until_due();
    co_await pass();
  }
}

asio::awaitable<void> Reconciler::wait_until_due() {
  while (Clock::now() < due_) {
    timer_.expires_at(due_);
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<void> Reconciler::pass() {
  // First, so that whatever happens from here on brings about a pass of its own.
  due_ = Clock::now() + options_.observe_every;
  const auto desired = desired_;
  // A stack whose steps end while this pass looks may have been seen half-way; it is left to the pass that
  // its end brings.
  const std::set<std::string> busy = busy_;
  const bool seen = co_await look();
  if (seen && desired) {
    forget_unwanted(*desired);
    judge_by_policy(*desired);
    co_await judge_jobs(desired, busy);
    co_await judge_trials(desired, busy);
    co_await decide(desired, busy);
    standing_.settled = busy.empty() && standing_.plan.steps.empty();
    forget_settled(busy);
    begin_trials(busy);
    bring_back_files(busy);
    launch(busy);
    settle_trials(busy);
    watch_for_windows();
    if (standing_.plan.next_look) {
      const auto wait =
          std::chrono::ceil<std::chrono::milliseconds>(*standing_.plan.next_look - Clock::now());
      trigger(std::max(wait, std::chrono::milliseconds(1)));
    }
  }
  if (seen) tend_files();
  if (seen) tend_images();
  callbacks_.on_standing();
  prune_files();
  forget_secrets();
}

asio::awaitable<bool> Reconciler::look() {
  std::optional<Error> error;
  try {
    if (!standing_.engine || standing_.engine_reason != v1::REASON_NONE)
      standing_.engine = co_await engine_.negotiate();
    standing_.observed = co_await engine_.observe();
  } catch (const Error& failure) {
    error = failure;
  }
  if (error) {
    engine_lost(*error);
    co_return false;
  }
  if (standing_.engine_reason != v1::REASON_NONE) log::info("the engine answers again");
  standing_.engine_reason = v1::REASON_NONE;
  standing_.engine_text.clear();
  standing_.observed_once = true;
  engine_retry_.reset();
  co_return true;
}

void Reconciler::engine_lost(const Error& error) {
  suspend_trials();
  past_.fixed_policies = false;  // it may come back as another version
  const bool too_old = error.code() == ErrorCode::kConflict;
  if (standing_.engine_text != error.what()) log::warn("engine: {}", error.what());
  standing_.engine_reason = too_old ? v1::REASON_ENGINE_TOO_OLD : v1::REASON_ENGINE_DOWN;
  standing_.engine_text = error.what();
  trigger(engine_retry_.next());
}

// A release that turns out to be whole on the node takes its stack's place in the same pass.
asio::awaitable<void> Reconciler::decide(std::shared_ptr<const Desired> desired, std::set<std::string> busy) {
  const auto answers = std::make_shared<Answers>();
  std::set<std::string> fetched;
  Decision decision;
  for (int round = 0; round < kRounds; ++round) {
    decision = choose(desired, fetched);
    past_.fetches = pulls_->states();
    const std::set<std::string> left_alone = with_held(busy, decision.targets);
    decision.plan =
        make_plan({*decision.effective, standing_.observed, past_, *answers, level_of(standing_.engine->api),
                   left_alone, Clock::now(), wall_s(), awaited(*desired, decision.targets),
                   jobs_of(*desired, decision.targets, past_), is_saved(),
                   secret_troubles(*desired, *decision.effective)});
    const std::size_t known = fetched.size();
    fetched.insert(decision.plan.fetched.begin(), decision.plan.fetched.end());
    const Questions questions = decision.plan.questions;
    if (!questions.empty()) {
      co_await answer(questions, answers);
    } else if (fetched.size() == known) {
      break;
    }
  }
  standing_.desired = desired;
  standing_.effective = std::move(decision.effective);
  standing_.targets = std::move(decision.targets);
  standing_.plan = std::move(decision.plan);
}

// What cannot be answered now counts as absent; the engine being away shows in the next pass.
asio::awaitable<void> Reconciler::answer(Questions questions, std::shared_ptr<Answers> answers) {
  for (const std::string& image : questions.images) {
    answers->images[image] = std::nullopt;
    try {
      answers->images[image] = co_await engine_.image_id(image);
    } catch (const Error& error) {
      log::warn("image '{}' not looked up: {}", image, error.what());
    }
  }
  for (const std::string& network : questions.networks) {
    answers->networks[network] = false;
    try {
      answers->networks[network] = co_await engine_.network_exists(network);
    } catch (const Error& error) {
      log::warn("network '{}' not looked up: {}", network, error.what());
    }
  }
  for (const std::string& network : questions.network_users) {
    try {
      answers->network_users[network] = co_await engine_.network_users(network);
    } catch (const Error& error) {
      log::warn("network '{}' not looked into: {}", network, error.what());
    }
  }
  for (const std::string& volume : questions.volumes) {
    answers->volumes[volume] = false;
    try {
      answers->volumes[volume] = co_await engine_.volume_exists(volume);
    } catch (const Error& error) {
      log::warn("volume '{}' not looked up: {}", volume, error.what());
    }
  }
}

// Nothing is known of what a stack waits for that this pass left out: its pulls go on.
void Reconciler::launch(const std::set<std::string>& busy) {
  std::set<std::string> fetching = standing_.plan.fetching;
  for (const DesiredStack& stack : standing_.desired->stacks) {
    if (!busy.contains(stack.name)) continue;
    for (const DesiredService& service : stack.services)
      fetching.insert(image_key(service.image, service.platform));
  }
  pulls_->keep_only(fetching);
  for (auto& [stack, steps] : by_stack(standing_.plan)) {
    if (!busy_.insert(stack).second) continue;
    unpruned_.insert(stack);
    auto occasion = std::make_shared<Occasion>();
    occasion->desired = standing_.effective;
    occasion->manifest = standing_.desired;
    occasion->engine_api = level_of(standing_.engine->api);
    occasion->log_driver = standing_.engine->log_driver;
    asio::co_spawn(loop_, run_stack(stack, std::move(steps), std::move(occasion)), rethrow);
  }
}

asio::awaitable<void> Reconciler::run_stack(std::string stack, std::vector<Step> steps,
                                            std::shared_ptr<Occasion> occasion) {
  const auto self = shared_from_this();
  for (const Step& step : steps) log::info("{}", to_text(step));
  const RunStep run = [self, occasion](Step step) { return self->run_step(occasion, std::move(step)); };
  const std::vector<Outcome> outcomes = co_await execute(loop_, steps, run);
  record(stack, steps, outcomes, *occasion);
  busy_.erase(stack);
  trigger();
}

asio::awaitable<void> Reconciler::run_step(std::shared_ptr<Occasion> occasion, Step step) {
  if (const auto* pull = std::get_if<PullImage>(&step.action)) {
    pulls_->begin(wish_for(*pull, *occasion->desired));
    co_return;
  }
  note_before(step);
  std::optional<Error> failure;
  try {
    co_await runner_.run(occasion, step);
  } catch (const Error& error) {
    failure = error;
  }
  if (failure) {
    const Error told = co_await explained(step, *failure);
    throw told;
  }
  note_after(*occasion, step);
}

}  // namespace hivemind::agent

#include "hub/pins/pinning.h"

#include <algorithm>

#include <boost/asio/post.hpp>
#include <fmt/chrono.h>

#include "common/log.h"

namespace hivemind::hub {
namespace {

// Enough for some registries that let one wait, besides those that answer.
constexpr std::size_t kThreads = 6;

constexpr std::string_view kPinRenewal = "compose.pin-renewal";

std::string clock_text(PinQuestions::Clock::time_point at) {
  using namespace std::chrono;
  const auto wall = system_clock::now() + duration_cast<system_clock::duration>(at - steady_clock::now());
  return fmt::format("{:%H:%M:%S} UTC", fmt::gmtime(system_clock::to_time_t(wall)));
}

// Waiting alone does not help.
bool is_lasting(ErrorCode code) {
  return code == ErrorCode::kNotFound || code == ErrorCode::kDenied || code == ErrorCode::kInvalid;
}

}  // namespace

Pinning::Pinning(boost::asio::any_io_executor loop, Resolve resolve, Callbacks callbacks, PinRetry retry)
    : loop_(loop),
      resolve_(std::move(resolve)),
      callbacks_(std::move(callbacks)),
      questions_(retry),
      wake_(loop),
      pool_(kThreads) {}

Pinning::~Pinning() {
  stop();
  pool_.stop();
  pool_.join();
}

void Pinning::stop() {
  stopped_ = true;
  cancelled_ = true;
  wake_.cancel();
}

void Pinning::want(const std::set<PinRequest>& requests) {
  requests_ = requests;
  for (auto& [reference, question] : questions_.all()) question.stacks.clear();
  for (const PinRequest& request : requests_) questions_.ask(request.reference).stacks.insert(request.stack);
  std::erase_if(questions_.all(), [](const auto& one) {
    const PinQuestion& question = one.second;
    return question.stacks.empty() && !question.renews && !question.under_way;
  });
  // A fleet that has another tag with each commit must not leave one here for each.
  std::erase_if(former_, [&](const auto& one) { return questions_.find(one.first) == nullptr; });
  pump();
}

void Pinning::forget(const std::set<std::string>& stacks) {
  for (const std::string& stack : stacks) {
    if (const auto found = pins_.find(stack); found != pins_.end()) {
      former_.insert(found->second.begin(), found->second.end());
      pins_.erase(found);
    }
  }
  for (auto& [reference, question] : questions_.all()) {
    const bool concerned = std::ranges::any_of(
        question.stacks, [&](const std::string& stack) { return stacks.contains(stack); });
    if (!concerned || question.next == Clock::time_point::max()) continue;
    question.outdated = question.under_way;
    question.next = std::min(question.next, Clock::now());
  }
}

void Pinning::renew() {
  for (const auto& [stack, pins] : pins_) {
    for (const auto& [reference, pin] : pins) {
      PinQuestion& question = questions_.ask(reference);
      question.renews = true;
      question.failure.reset();
      question.outdated = question.under_way;
      question.next = Clock::now();
    }
  }
  pump();
}

bool Pinning::settling() const {
  return std::ranges::any_of(questions_.all(), [](const auto& one) { return !one.second.failure; });
}

void Pinning::pump() {
  if (stopped_) return;
  while (const auto reference = questions_.take(Clock::now())) start(*reference);
  const auto next = questions_.next(Clock::now());
  if (!next) return;
  wake_.expires_at(*next);
  wake_.async_wait([this](boost::system::error_code failure) {
    if (!failure) pump();
  });
}

void Pinning::start(const std::string& reference) {
  const Pin* const last = known(reference);
  boost::asio::post(pool_, [this, reference, name = questions_.find(reference)->name,
                            last = last == nullptr ? std::nullopt : std::optional(*last)] {
    registry::Resolution resolution = resolve_(name, last ? &*last : nullptr, cancelled_);
    boost::asio::post(loop_, [this, reference, resolution = std::move(resolution)]() mutable {
      finish(reference, std::move(resolution));
    });
  });
}

const Pin* Pinning::known(const std::string& reference) const {
  for (const auto& [stack, pins] : pins_) {
    if (const auto found = pins.find(reference); found != pins.end()) return &found->second;
  }
  const auto found = former_.find(reference);
  return found == former_.end() ? nullptr : &found->second;
}

void Pinning::finish(const std::string& reference, registry::Resolution resolution) {
  if (stopped_) return;
  const bool outdated = questions_.find(reference)->outdated;
  if (const auto* refusal = std::get_if<registry::Refusal>(&resolution)) {
    refuse(reference, *refusal);
  } else {
    questions_.answered(reference);
    if (!outdated) take(reference, std::get<Pin>(resolution));
  }
  pump();
}

std::set<std::string> Pinning::concerned(const std::string& reference, const PinQuestion& question) const {
  std::set<std::string> stacks = question.stacks;
  if (!question.renews) return stacks;
  for (const auto& [stack, pins] : pins_) {
    if (pins.contains(reference)) stacks.insert(stack);
  }
  return stacks;
}

void Pinning::take(const std::string& reference, const Pin& pin) {
  PinQuestion& question = *questions_.find(reference);
  std::set<std::string> stacks = concerned(reference, question);
  std::erase_if(stacks, [&](const std::string& stack) {
    const auto pins = pins_.find(stack);
    if (pins == pins_.end()) return false;
    const auto before = pins->second.find(reference);
    return before != pins->second.end() && before->second == pin;
  });
  try {
    if (!stacks.empty()) callbacks_.store(stacks, reference, pin);
  } catch (const Error& error) {
    question.failure = error;
    question.next = Clock::now() + question.backoff.next();
    return callbacks_.changed();
  }
  questions_.drop(reference);
  if (const auto found = former_.find(reference); found != former_.end()) former_.erase(found);
  for (const std::string& stack : stacks) {
    pins_[stack].insert_or_assign(reference, pin);
    log::info("stack '{}': image '{}' is pinned to '{}'", stack, reference, pin.digest);
  }
  if (!stacks.empty()) callbacks_.pinned();
  callbacks_.changed();
}

void Pinning::refuse(const std::string& reference, const registry::Refusal& refusal) {
  PinQuestion& question = *questions_.find(reference);
  const bool is_news =
      !question.failure || std::string_view(question.failure->what()) != refusal.error.what();
  questions_.refused(reference, refusal, Clock::now());
  if (question.stacks.empty() && !question.renews) return questions_.drop(reference);
  if (is_news) log::warn("{}", what_failed(reference, question));
  callbacks_.changed();
}

std::string Pinning::what_failed(const std::string& reference, const PinQuestion& question) const {
  const std::string text = fmt::format("image '{}' is not resolved to a digest: registry '{}': {}", reference,
                                       question.name.registry, question.failure->what());
  const Clock::time_point next = questions_.next_try(question);
  return next == Clock::time_point::max() ? text
                                          : text + fmt::format("; asked again at {}", clock_text(next));
}

void Pinning::describe_one(Diagnostic& diagnostic, const std::string& reference) const {
  const PinQuestion* const question = questions_.find(reference);
  if (question == nullptr) return;
  if (!question->failure) {
    diagnostic.message = fmt::format("registry '{}' is being asked for the digest of image '{}'",
                                     question->name.registry, reference);
    return;
  }
  diagnostic.severity = is_lasting(question->failure->code()) ? Severity::kError : Severity::kWarning;
  diagnostic.message = what_failed(reference, *question);
  diagnostic.remedy = "until then the stack's nodes keep what they have of it";
}

// They are sorted by stack and service, of which a fleet may have thousands.
const PinRequest* Pinning::request_of(const Diagnostic& diagnostic) const {
  auto one = requests_.lower_bound({diagnostic.stack, diagnostic.service, "", {}});
  for (; one != requests_.end(); ++one) {
    if (one->stack != diagnostic.stack || one->service != diagnostic.service) break;
    if (one->location == diagnostic.location &&
        diagnostic.message.find("'" + one->reference + "'") != std::string::npos)
      return &*one;
  }
  return nullptr;
}

void Pinning::describe(Diagnostics& diagnostics) const {
  for (Diagnostic& diagnostic : diagnostics) {
    if (diagnostic.code != kPinPending) continue;
    if (const PinRequest* request = request_of(diagnostic)) describe_one(diagnostic, request->reference);
  }
  for (const auto& [reference, question] : questions_.all()) {
    if (!question.renews || !question.failure) continue;
    for (const std::string& stack : concerned(reference, question)) {
      diagnostics.push_back({.severity = Severity::kWarning,
                             .code = std::string(kPinRenewal),
                             .stack = stack,
                             .message = what_failed(reference, question),
                             .remedy = "it stays at the digest that it has"});
    }
  }
}

}  // namespace hivemind::hub

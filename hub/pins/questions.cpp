#include "hub/pins/questions.h"

#include <algorithm>

namespace hivemind::hub {

PinQuestion& PinQuestions::ask(const std::string& reference) {
  const auto [found, fresh] = questions_.try_emplace(reference, retry_);
  if (!fresh) return found->second;
  try {
    found->second.name = registry::ImageName::parse(reference);
  } catch (const Error& error) {
    found->second.failure = error;  // for good: another commit has another reference
    found->second.next = Clock::time_point::max();
  }
  return found->second;
}

PinQuestion* PinQuestions::find(const std::string& reference) {
  const auto found = questions_.find(reference);
  return found == questions_.end() ? nullptr : &found->second;
}

const PinQuestion* PinQuestions::find(const std::string& reference) const {
  const auto found = questions_.find(reference);
  return found == questions_.end() ? nullptr : &found->second;
}

PinQuestions::Host& PinQuestions::host_of(const PinQuestion& question) {
  return hosts_.try_emplace(question.name.registry, retry_).first->second;
}

PinQuestions::Clock::time_point PinQuestions::next_try(const PinQuestion& question) const {
  const auto host = hosts_.find(question.name.registry);
  return host == hosts_.end() ? question.next : std::max(question.next, host->second.quiet_until);
}

std::optional<std::string> PinQuestions::take(Clock::time_point now) {
  const std::string* longest = nullptr;
  Clock::time_point since = Clock::time_point::max();
  for (const auto& [reference, question] : questions_) {
    if (question.under_way || next_try(question) > now || question.next >= since) continue;
    if (host_of(question).under_way >= kAtOnce) continue;
    longest = &reference;
    since = question.next;
  }
  if (longest == nullptr) return std::nullopt;
  PinQuestion& question = questions_.find(*longest)->second;
  question.under_way = true;
  question.outdated = false;
  ++host_of(question).under_way;
  return *longest;
}

std::optional<PinQuestions::Clock::time_point> PinQuestions::next(Clock::time_point now) const {
  std::optional<Clock::time_point> first;
  for (const auto& [reference, question] : questions_) {
    const Clock::time_point at = next_try(question);
    // What is due and not taken waits for another of its registry to end.
    if (question.under_way || at <= now || at == Clock::time_point::max()) continue;
    if (!first || at < *first) first = at;
  }
  return first;
}

void PinQuestions::answered(const std::string& reference) {
  PinQuestion& question = questions_.at(reference);
  Host& host = host_of(question);
  --host.under_way;
  host.backoff.reset();
  question.under_way = false;
  if (question.outdated) question.next = {};
}

void PinQuestions::refused(const std::string& reference, const registry::Refusal& refusal,
                           Clock::time_point now) {
  PinQuestion& question = questions_.at(reference);
  Host& host = host_of(question);
  --host.under_way;
  question.under_way = false;
  question.failure = refusal.error;
  question.next = question.outdated ? now : now + question.backoff.next();
  if (refusal.error.code() != ErrorCode::kUnavailable) return host.backoff.reset();
  const std::chrono::milliseconds asked_for = refusal.retry_after.value_or(std::chrono::seconds(0));
  host.quiet_until = std::max(host.quiet_until, now + std::max(asked_for, host.backoff.next()));
}

}  // namespace hivemind::hub

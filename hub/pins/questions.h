#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/backoff.h"
#include "common/error.h"
#include "hub/registry/registry.h"

namespace hivemind::hub {

// How long to wait between two tries.
struct PinRetry {
  std::chrono::milliseconds first{2'000};
  std::chrono::milliseconds longest{300'000};
};

// A reference that somebody is to be asked about.
struct PinQuestion {
  using Clock = std::chrono::steady_clock;

  explicit PinQuestion(const PinRetry& retry) : backoff(retry.first, retry.longest) {}

  registry::ImageName name;
  std::set<std::string> stacks;  // that have no pin without the answer
  bool renews = false;           // the stacks that have a pin of it are to get another one
  bool under_way = false;
  bool outdated = false;         // asked before the last commit that concerns it: ask again
  std::optional<Error> failure;  // of the last try; nothing: none is over
  Clock::time_point next{};      // when to ask, if the registry may be asked then
  Backoff backoff;
};

// What is to be asked, and whom one may ask when. A registry that does not answer is left alone for a while,
// and no other waits for it. Pure: time is a parameter. Sorted by reference.
class PinQuestions {
 public:
  using Clock = PinQuestion::Clock;
  static constexpr int kAtOnce = 2;  // of one registry

  explicit PinQuestions(PinRetry retry) : retry_(retry) {}

  PinQuestion& ask(const std::string& reference);  // the one that is there, or a new one
  PinQuestion* find(const std::string& reference);
  const PinQuestion* find(const std::string& reference) const;
  void drop(const std::string& reference) { questions_.erase(reference); }
  const std::map<std::string, PinQuestion>& all() const { return questions_; }
  std::map<std::string, PinQuestion>& all() { return questions_; }

  // One that may be asked now, the one that has waited longest; it is under way from here on.
  std::optional<std::string> take(Clock::time_point now);
  // When take() will have one, if nothing comes in between.
  std::optional<Clock::time_point> next(Clock::time_point now) const;
  // When the question will be asked again.
  Clock::time_point next_try(const PinQuestion& question) const;

  void answered(const std::string& reference);
  void refused(const std::string& reference, const registry::Refusal& refusal, Clock::time_point now);

 private:
  struct Host {
    explicit Host(const PinRetry& retry) : backoff(retry.first, retry.longest) {}
    int under_way = 0;
    Clock::time_point quiet_until{};
    Backoff backoff;
  };
  Host& host_of(const PinQuestion& question);

  PinRetry retry_;
  std::map<std::string, PinQuestion> questions_;
  std::map<std::string, Host> hosts_;  // by registry
};

}  // namespace hivemind::hub

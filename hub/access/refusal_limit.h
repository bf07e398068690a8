#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace hivemind::hub {

// What somebody does as often as he likes, and is told seldom: of one at one action the first time, and from
// then on once a minute, with the number of times since. For attempts that a token has no right to, whose
// rows in the audit log are kept for ever, and for what nodes say that is worth a line in the log. What
// nobody follows up is not counted. A value without a clock.
class RefusalLimit {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::minutes kBetween{1};
  static constexpr std::size_t kMostEntries = 4096;

  // How many times are to be told now; nothing: none.
  std::optional<std::int64_t> refused(const std::string& who, const std::string& action,
                                      Clock::time_point now);

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Clock::time_point told{};
    std::int64_t since = 0;
  };

  std::map<std::pair<std::string, std::string>, Entry> entries_;
};

}  // namespace hivemind::hub

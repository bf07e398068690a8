#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace hivemind::agent {

// A zone's local time, by a rule as POSIX writes it in TZ: "CET-1CEST,M3.5.0,M10.5.0/3", "<+0545>-5:45". It
// is one rule for all years: of the past before it was in force it knows nothing. Immutable.
class ZoneRule {
 public:
  // Throws kInvalid for what is no such rule. An empty text is UTC.
  explicit ZoneRule(std::string_view text);

  // Seconds to add to Unix time to have what the clocks there show.
  std::int64_t offset_at(std::int64_t at) const;
  // The next Unix second at which that changes; nothing changes where it is not later than 'after'.
  std::int64_t next_change(std::int64_t after) const;

 private:
  // A day of each year, and a time of it, which may lie in another day.
  struct Change {
    enum class Kind { kMonth, kJulian, kDay };  // Mm.w.d, Jn (29 February does not count), n (it does)
    Kind kind = Kind::kMonth;
    int month = 1, week = 1, weekday = 0;  // 5: the last week; 0: Sunday
    int day = 0;
    std::int64_t time = 2 * 3600;  // seconds
    std::int64_t local(int year) const;
  };
  struct Passage {
    std::int64_t at;
    std::int64_t offset;  // from then on
  };
  class Parser;

  std::vector<Passage> passages_near(std::int64_t at) const;  // from two years before to two years after

  std::int64_t standard_ = 0;
  std::int64_t summer_ = 0;
  bool changes_ = false;
  Change to_summer_, to_standard_;
};

}  // namespace hivemind::agent

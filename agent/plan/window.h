#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/plan/desired.h"
#include "agent/plan/zone_rule.h"

namespace hivemind::agent {

// When a stack may be changed. Pure and immutable; times are Unix seconds.
//
// The rule: it is open while the clocks of the zone show a time that is in one of its spans, and at no other
// time. So where the clocks are put forward, what they skip of a span is not had that day; and an hour that
// they show twice is there twice, in the window or out of it.
class Window {
 public:
  // Throws kInvalid for a zone rule that cannot be read.
  explicit Window(const DesiredWindow& window);

  bool is_open(std::int64_t at) const;
  // The first second after 'at' from which on it is not as it is then: when it closes if it is open, else
  // when it opens. Nothing: it is always open.
  std::optional<std::int64_t> next_change(std::int64_t at) const;
  // "Sat 2026-11-21 02:00" by the zone's clocks, for people.
  std::string local_text(std::int64_t at) const;

 private:
  struct Open {  // minutes since Monday 00:00; 'to' is not in it
    std::int64_t from, to;
  };
  std::int64_t second_of_week(std::int64_t at) const;
  const Open* open_at(std::int64_t second_of_week) const;
  std::int64_t next_edge(std::int64_t second_of_week) const;

  ZoneRule zone_;
  std::vector<Open> week_;  // sorted, apart from one another
};

// Whether a clock that shows 'at', and of which the kernel does not know that somebody sets it, can be right:
// it is not long before the hub issued the newest manifest. Where there is no time service the kernel never
// knows, however right the clock is; one that began at 1970, or at its maker's date, is told by this.
bool is_plausible(std::int64_t at, std::int64_t issued_at_ms);

}  // namespace hivemind::agent

#pragma once

#include <chrono>
#include <cstdint>

namespace hivemind::hub {

// The wall clock, for what people and other machines read. Nothing is ordered by it.
inline std::int64_t unix_now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace hivemind::hub

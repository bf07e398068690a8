#pragma once

#include <atomic>
#include <cstdint>

// What a test and the library that it preloads into a process share.
namespace hivemind::tests {

inline constexpr const char* kKillFileVariable = "HIVEMIND_TEST_KILL_FILE";    // holds a WriteCount
inline constexpr const char* kKillBelowVariable = "HIVEMIND_TEST_KILL_BELOW";  // a directory

struct WriteCount {
  std::atomic<std::uint64_t> calls;    // so far, of all processes
  std::atomic<std::uint64_t> kill_at;  // the call that is not made; 0: none
  std::atomic<std::uint64_t> killed;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace hivemind::tests

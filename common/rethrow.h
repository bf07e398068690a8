#pragma once

#include <exception>

namespace hivemind {

// The completion of co_spawn() for coroutines that answer to nobody. What they throw was not foreseen: it
// leaves the loop's run() and ends the process, which its supervisor starts again, where asio::detached would
// have it go on without them.
inline void rethrow(const std::exception_ptr& failure) {
  if (failure) std::rethrow_exception(failure);
}

}  // namespace hivemind

#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "agent/plan/plan.h"
#include "common/error.h"

namespace hivemind::agent {

struct Outcome {
  enum class State { kDone, kFailed, kSkipped };  // skipped: a step before it failed
  State state = State::kSkipped;
  std::optional<Error> error;
};

using RunStep = std::function<boost::asio::awaitable<void>(Step)>;

// Walks the steps in the order that `after` allows, each as soon as it may; decides nothing. How many calls
// run at once is for `run` to bound. A step that fails stops those that come after it, and no others. Returns
// an outcome for each step; throws nothing of the steps' own. On the loop thread.
boost::asio::awaitable<std::vector<Outcome>> execute(boost::asio::any_io_executor loop,
                                                     std::vector<Step> steps, RunStep run);

}  // namespace hivemind::agent

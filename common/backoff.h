#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace hivemind {

// How long to wait before the next try: doubles from first to longest, each time a random share between half
// and all of it, so that a fleet that lost its hub together does not come back together. A value; not for
// several threads.
class Backoff {
 public:
  using Duration = std::chrono::milliseconds;

  Backoff(Duration first, Duration longest, std::uint64_t seed = std::random_device{}())
      : first_(first), longest_(longest), next_(first), random_(seed) {}

  Duration next() {
    const Duration bound = std::min(next_, longest_);
    next_ = std::min(next_ * 2, longest_);
    return Duration(std::uniform_int_distribution<Duration::rep>(bound.count() / 2, bound.count())(random_));
  }
  void reset() { next_ = first_; }

 private:
  Duration first_;
  Duration longest_;
  Duration next_;
  std::mt19937_64 random_;
};

}  // namespace hivemind

#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace hivemind::hub {

// How often an address may show a wrong token before it is told to wait: ten times at once, then once in
// three seconds; whoever goes on regardless waits twice as long each time, up to a minute.
//
// A right token is never kept waiting: behind one address (a proxy, NAT) there may be many people, and a
// secret of 256 bits is not found by trying. What this protects is the log and the processor. Remembers 4,096
// addresses, the ones that failed last; of IPv6 the first 64 bits count, which is what one customer gets. A
// value without a clock.
class FailureLimit {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr std::size_t kMostAddresses = 4096;
  static constexpr int kBurst = 10;
  static constexpr std::chrono::seconds kRefill{3};
  static constexpr std::chrono::seconds kLongest{60};

  // After a failure: nothing, or how long that address is to wait before its next attempt is looked at.
  std::optional<std::chrono::seconds> failed(std::string_view address, Clock::time_point now);

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    double left = kBurst;
    Clock::time_point counted{};
    Clock::time_point waits_until{};
    std::chrono::seconds wait{0};
    std::list<std::string>::iterator place{};
  };

  Entry& entry_of(const std::string& key, Clock::time_point now);

  std::map<std::string, Entry, std::less<>> entries_;
  std::list<std::string> order_;  // the one that failed last stands last
};

}  // namespace hivemind::hub

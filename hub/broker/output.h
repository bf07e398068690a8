#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace hivemind::hub {

// Passes the broker's lines on to our log: whole lines of bounded length, and no more than so many in a
// while, so that a broker that complains without end fills neither the log nor the memory.
class BrokerOutput {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kMaxLine = 500;
  static constexpr int kMaxLines = 50;  // in each window; what is above is counted
  static constexpr std::chrono::seconds kWindow{10};

  void add(std::string_view bytes, Clock::time_point now);

  // The newest line that tells of an error; "" when there was none. Starts anew with every broker process.
  const std::string& last_error() const { return last_error_; }

 private:
  void line(Clock::time_point now);

  std::string pending_;
  std::string last_error_;
  Clock::time_point window_start_{};
  int lines_ = 0;
  int left_out_ = 0;
};

}  // namespace hivemind::hub

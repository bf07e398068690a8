#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace hivemind::agent {

// The last lines of a command's output, out of the engine's stream of frames (stdout and stderr take turns:
// a byte for the stream, three of nothing, four of length, big endian).
class ExecOutput {
 public:
  static constexpr std::size_t kMost = 2048;
  static constexpr std::size_t kMostLines = 10;

  void feed(std::string_view piece);
  // Without blanks at the ends. It goes through `clean` (absent: as it is) before it is cut.
  std::string text(const std::function<std::string(std::string)>& clean = {}) const;

 private:
  std::string header_;
  std::size_t left_ = 0;  // bytes of the frame that are still to come
  std::string tail_;
};

}  // namespace hivemind::agent

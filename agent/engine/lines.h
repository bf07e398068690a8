#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace hivemind::agent {

// Puts the lines of a stream together from pieces that end anywhere. Line ends are "\n" and "\r\n"; empty
// lines are left out.
class Lines {
 public:
  using OnLine = std::function<void(std::string_view)>;
  static constexpr std::size_t kMaxLine = 1u << 20;

  explicit Lines(OnLine on_line) : on_line_(std::move(on_line)) {}

  // Throws kCorrupt for a line above kMaxLine, and what on_line throws.
  void feed(std::string_view piece);
  // The end of the stream ends a line, too.
  void finish();

 private:
  void emit(std::string_view line) const;

  OnLine on_line_;
  std::string begun_;
};

}  // namespace hivemind::agent

#pragma once

#include <string>
#include <utility>

namespace hivemind {

// Overwrites what the string holds, also beyond its end, and empties it.
void wipe(std::string& text);

// A value that is overwritten when it goes. Not copied: whoever needs a copy has it in a place that is wiped,
// too.
class SecretText {
 public:
  SecretText() = default;
  explicit SecretText(std::string text) : text_(std::move(text)) {}
  SecretText(SecretText&& other) noexcept : text_(std::exchange(other.text_, {})) { wipe(other.text_); }
  SecretText& operator=(SecretText&& other) noexcept {
    text_.swap(other.text_);
    wipe(other.text_);
    return *this;
  }
  ~SecretText() { wipe(text_); }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace hivemind

#include "hub/desired/compose/scalars/shell_words.h"

namespace hivemind::hub::compose {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Reads one word from the front of text, which starts with no white space.
class WordReader {
 public:
  explicit WordReader(std::string_view& text) : text_(text) {}

  std::optional<std::string> read() {
    while (!text_.empty() && !is_space(text_.front())) {
      const char c = take();
      const bool closed = c == '\''   ? single_quoted()
                          : c == '"'  ? double_quoted()
                          : c == '\\' ? escaped()
                                      : plain(c);
      if (!closed) return std::nullopt;
    }
    return std::move(word_);
  }

 private:
  char take() {
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }
  bool plain(char c) {
    word_ += c;
    return true;
  }
  bool escaped() {
    if (text_.empty()) return false;
    const char c = take();
    if (c != '\n') word_ += c;  // a line continuation is nothing
    return true;
  }
  bool single_quoted() {
    const std::size_t end = text_.find('\'');
    if (end == std::string_view::npos) return false;
    word_ += text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return true;
  }
  bool double_quoted() {
    while (!text_.empty()) {
      const char c = take();
      if (c == '"') return true;
      if (c != '\\' || text_.empty()) {
        word_ += c;
        continue;
      }
      const char next = take();
      const bool special = next == '"' || next == '\\' || next == '$' || next == '`' || next == '\n';
      if (!special) word_ += '\\';
      if (next != '\n') word_ += next;
    }
    return false;
  }

  std::string_view& text_;
  std::string word_;
};

}  // namespace

std::optional<std::vector<std::string>> split_shell_words(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    if (text.empty()) return words;
    std::optional<std::string> word = WordReader(text).read();
    if (!word) return std::nullopt;
    words.push_back(std::move(*word));
  }
}

}  // namespace hivemind::hub::compose

#include "hub/desired/compose/scalars/shell_words.h"

namespace hivemind::hub::compose {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_operator(char c) {
  return c == ';' || c == '&' || c == '|' || c == '<' || c == '>';
}

class Splitter {
 public:
  // False when the text is no command.
  bool run(std::string_view text, std::string_view& rest) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (!escaped_ && !is_quoting() && is_operator(text[i])) {
        // "2>file": the number belongs to the operator.
        if (text[i] == '>' && !word_.empty() && word_[0] >= '0' && word_[0] <= '9') in_word_ = false;
        rest = text.substr(i);
        break;
      }
      if (!take(text[i])) return false;
    }
    finish_word();
    return !escaped_ && !is_quoting();
  }

  std::vector<std::string> words() { return std::move(words_); }

 private:
  bool is_quoting() const { return single_ || double_ || back_ || parenthesis_; }

  bool take(char c) {
    if (escaped_) {
      escaped_ = false;
      add(c);
    } else if (c == '\\' && !single_) {
      escaped_ = true;
    } else if (is_space(c) && !is_quoting()) {
      finish_word();
    } else if (c == '"' && !single_ && !parenthesis_) {
      in_word_ = in_word_ || double_;  // an empty pair of quotes is a word
      double_ = !double_;
    } else if (c == '\'' && !double_ && !parenthesis_) {
      in_word_ = in_word_ || single_;
      single_ = !single_;
    } else {
      return take_plain(c);
    }
    return true;
  }

  bool take_plain(char c) {
    const bool quoted = single_ || double_;
    if (c == '`' && !quoted && !parenthesis_) back_ = !back_;
    if (c == ')' && !quoted && !back_) parenthesis_ = !parenthesis_;
    if (c == '(' && !quoted && !back_) {
      if (parenthesis_ || !word_.ends_with('$')) return false;
      parenthesis_ = true;
    }
    add(c);
    return true;
  }

  void add(char c) {
    word_ += c;
    in_word_ = true;
  }

  void finish_word() {
    if (in_word_) words_.push_back(std::move(word_));
    word_.clear();
    in_word_ = false;
  }

  std::vector<std::string> words_;
  std::string word_;
  bool in_word_ = false;  // word_ counts, though it may be empty
  bool escaped_ = false, single_ = false, double_ = false, back_ = false, parenthesis_ = false;
};

}  // namespace

std::optional<std::vector<std::string>> split_shell_words(std::string_view text, std::string_view* rest) {
  Splitter splitter;
  std::string_view left;
  if (!splitter.run(text, left)) return std::nullopt;
  if (rest != nullptr) *rest = left;
  return splitter.words();
}

}  // namespace hivemind::hub::compose

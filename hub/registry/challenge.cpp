#include "hub/registry/challenge.h"

#include <algorithm>
#include <cctype>

namespace hivemind::hub::registry {
namespace {

bool is_token(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("!#$%&'*+-.^_`|~/").find(c) != std::string_view::npos;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() const { return text_.empty(); }
  bool at(char c) const { return !text_.empty() && text_.front() == c; }
  void skip(std::string_view any_of) {
    text_.remove_prefix(std::min(text_.find_first_not_of(any_of), text_.size()));
  }
  void step() { text_.remove_prefix(1); }

  std::string token() {
    const auto end = std::ranges::find_if_not(text_, is_token);
    std::string found(text_.begin(), end);
    text_.remove_prefix(found.size());
    return found;
  }
  std::string quoted() {
    std::string found;
    step();
    while (!at_end() && !at('"')) {
      if (at('\\') && text_.size() > 1) step();
      found += text_.front();
      step();
    }
    if (!at_end()) step();
    return found;
  }

 private:
  std::string_view text_;
};

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

std::vector<Challenge> parse_challenges(std::string_view header) {
  std::vector<Challenge> challenges;
  Scanner scanner(header);
  while (true) {
    scanner.skip(" \t,");
    if (scanner.at_end()) return challenges;
    const std::string name = lower(scanner.token());
    if (name.empty()) {
      scanner.step();
      continue;
    }
    scanner.skip(" \t");
    if (!scanner.at('=')) {
      challenges.push_back({name, {}});
      continue;
    }
    scanner.skip("= \t");
    std::string value = scanner.at('"') ? scanner.quoted() : scanner.token();
    if (!challenges.empty()) challenges.back().parameters.insert_or_assign(name, std::move(value));
  }
}

}  // namespace hivemind::hub::registry

#include "agent/apply/pull_delay.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string>

namespace hivemind::agent {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstRetry{2'000};
constexpr milliseconds kLongestRetry{300'000};
constexpr unsigned kMostDoublings = 10;
constexpr milliseconds kThrottled{60'000};
// A registry cannot keep a node from its updates for longer than that.
constexpr milliseconds kLongestAsked{3'600'000};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::int64_t unit_ms(std::string_view unit) {
  if (unit == "h") return 3'600'000;
  if (unit == "m") return 60'000;
  if (unit == "ms") return 1;
  if (unit == "" || unit == "s" || unit == "sec" || unit == "seconds") return 1'000;
  return 0;  // µs and ns are nothing
}

bool begins_with_digit(std::string_view text) {
  return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

// "1.5" of a unit of so many milliseconds, in milliseconds. What is too much anyway stops growing.
struct Number {
  std::int64_t whole = 0, thousandths = 0;
  std::int64_t times(std::int64_t unit) const { return whole * unit + thousandths * unit / 1000; }
};

Number take_number(std::string_view& text) {
  Number number;
  for (; begins_with_digit(text); text.remove_prefix(1))
    number.whole = std::min<std::int64_t>(number.whole * 10 + (text.front() - '0'), kLongestAsked.count());
  if (!text.starts_with('.')) return number;
  text.remove_prefix(1);
  for (std::int64_t place = 100; begins_with_digit(text); text.remove_prefix(1), place /= 10)
    number.thousandths += (text.front() - '0') * place;
  return number;
}

// Go's durations ("1m30.5s", "297.6µs") and plain seconds, as the header has them.
std::optional<milliseconds> parse_duration(std::string_view text) {
  if (!begins_with_digit(text)) return std::nullopt;
  std::int64_t sum = 0;
  while (begins_with_digit(text)) {
    const Number number = take_number(text);
    const std::string_view unit = text.substr(0, text.find_first_of("0123456789.,;() \t\n"));
    text.remove_prefix(unit.size());
    sum = std::min<std::int64_t>(sum + number.times(unit_ms(unit)), kLongestAsked.count());
  }
  return milliseconds(sum);
}

}  // namespace

std::optional<milliseconds> asked_delay(std::string_view words) {
  const std::string said = lower(words);
  constexpr std::string_view kHeader = "retry-after";
  if (const auto at = said.find(kHeader); at != std::string::npos) {
    std::string_view rest = std::string_view(said).substr(at + kHeader.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(":= \"'"), rest.size()));
    if (const auto asked = parse_duration(rest)) return asked;
  }
  for (const std::string_view sign : {"toomanyrequests", "too many requests", "http 429", "rate limit"}) {
    if (said.find(sign) != std::string::npos) return kThrottled;
  }
  return std::nullopt;
}

milliseconds pull_delay(unsigned failures, std::string_view words, const std::function<double()>& random) {
  const unsigned doublings = std::min(std::max(failures, 1u) - 1, kMostDoublings);
  const milliseconds bound = std::min(kFirstRetry * (1u << doublings), kLongestRetry);
  const auto part = [&](milliseconds of) {
    return milliseconds(static_cast<std::int64_t>(random() * static_cast<double>(of.count())));
  };
  const milliseconds own = bound / 2 + part(bound / 2);
  const auto asked = asked_delay(words);
  return asked ? std::max(own, *asked + part(*asked / 2)) : own;
}

}  // namespace hivemind::agent

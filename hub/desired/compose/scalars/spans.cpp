#include "hub/desired/compose/scalars/spans.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include <fmt/format.h>

namespace hivemind::hub::compose {
namespace {

constexpr unsigned kAllDays = 0x7f;
constexpr unsigned kDay = 24 * 60;
constexpr std::array<std::string_view, 7> kDays{"monday", "tuesday",  "wednesday", "thursday",
                                                "friday", "saturday", "sunday"};

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> parts(std::string_view text, char separator) {
  std::vector<std::string_view> all;
  for (std::size_t end = 0; end != std::string_view::npos;
       text.remove_prefix(std::min(end + 1, text.size()))) {
    end = text.find(separator);
    all.push_back(trimmed(text.substr(0, end)));
    if (end == std::string_view::npos) break;
  }
  return all;
}

// 0 is Monday.
std::optional<unsigned> parse_day(std::string_view text) {
  std::string name;
  for (const char c : text) name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (unsigned day = 0; day < kDays.size(); ++day) {
    if (name == kDays.at(day) || name == kDays.at(day).substr(0, 3)) return day;
  }
  return std::nullopt;
}

// "Mon" or "Fri-Mon", as bits.
std::optional<unsigned> parse_day_range(std::string_view text) {
  const auto ends = parts(text, '-');
  const auto first = parse_day(ends.front()), last = parse_day(ends.back());
  if (!first || !last || ends.size() > 2) return std::nullopt;
  unsigned days = 0;
  for (unsigned day = *first; days |= 1u << day, day != *last;) day = (day + 1) % 7;
  return days;
}

// "02:00", in minutes.
std::optional<unsigned> parse_time(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.size() <= 2 &&
           part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (colon == std::string_view::npos || !digits(text.substr(0, colon)) || text.size() != colon + 3 ||
      !digits(text.substr(colon + 1))) {
    return std::nullopt;
  }
  const auto number = [](std::string_view part) {
    unsigned value = 0;
    for (const char c : part) value = value * 10 + static_cast<unsigned>(c - '0');
    return value;
  };
  const unsigned minutes = number(text.substr(colon + 1)), all = number(text.substr(0, colon)) * 60 + minutes;
  return minutes > 59 || all > kDay ? std::nullopt : std::optional(all);
}

class Spans {
 public:
  SpansRead run(std::string_view text) {
    for (const std::string_view group : parts(text, ';')) {
      if (group.empty())
        fail("a span is missing before or after ';'");
      else
        read_group(group);
    }
    return std::move(read_);
  }

 private:
  void fail(std::string why) {
    if (read_.wrong.empty()) read_.wrong = std::move(why);
  }

  // Days end where the first time begins, so that both may have spaces: "Sat, Sun 02:00 - 04:00,
  // 12:00-13:00".
  void read_group(std::string_view group) {
    const std::size_t digit = std::min(group.find_first_of("0123456789"), group.size());
    const std::string_view written = trimmed(group.substr(0, digit)), times = group.substr(digit);
    if (times.empty()) return fail(fmt::format("'{}' has no times", group));
    unsigned days = kAllDays;
    if (!written.empty() && parse_name(written) != "daily") {
      days = 0;
      for (const std::string_view part : parts(written, ',')) {
        const auto range = parse_day_range(part);
        if (!range) return fail(fmt::format("'{}' is no day of the week (Mon to Sun, or 'daily')", part));
        days |= *range;
      }
    }
    for (const std::string_view time : parts(times, ',')) read_times(days, time);
  }

  static std::string parse_name(std::string_view text) {
    std::string name(text);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    return name;
  }

  void read_times(unsigned days, std::string_view text) {
    const auto ends = parts(text, '-');
    const auto from = parse_time(ends.front()), to = parse_time(ends.back());
    if (ends.size() != 2 || !from || !to) {
      return fail(fmt::format("'{}' is no span of time, such as '22:00-04:00'", text));
    }
    if (*from == kDay) return fail(fmt::format("'{}' begins at 24:00: write 00:00 of the next day", text));
    if (*from == *to) return fail(fmt::format("'{}' has no length (a whole day is '00:00-24:00')", text));
    v1::Window::Span span;
    span.set_days(days);
    span.set_from_minute(*from);
    span.set_to_minute(*to);
    read_.spans.push_back(std::move(span));
  }

  SpansRead read_;
};

}  // namespace

SpansRead parse_spans(std::string_view text) {
  return Spans().run(text);
}

}  // namespace hivemind::hub::compose

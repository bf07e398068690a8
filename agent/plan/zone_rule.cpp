#include "agent/plan/zone_rule.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "common/error.h"

namespace hivemind::agent {
namespace {

constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kDay = 24 * kHour;
constexpr int kMaxHours = 167;  // RFC 8536, 3.3.1: transition times of up to a week, either way

// What the calendar of the standard library can count, with room on both sides. Later, no clock is changed.
constexpr std::int64_t kEnd = 30000LL * 365 * kDay;

std::int64_t days(std::chrono::sys_days day) {
  return day.time_since_epoch().count();
}

int year_of(std::int64_t at) {
  const auto day = std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(at)));
  return static_cast<int>(std::chrono::year_month_day(day).year());
}

}  // namespace

class ZoneRule::Parser {
 public:
  Parser(std::string_view text) : text_(text), rest_(text) {}

  void run(ZoneRule& rule) {
    name();
    rule.standard_ = -time(24);
    if (rest_.empty()) return;
    rule.changes_ = true;
    name();
    rule.summer_ = rule.standard_ + kHour;
    if (!rest_.empty() && rest_.front() != ',') rule.summer_ = -time(24);
    // POSIX leaves open what is meant without days; musl takes those of the United States.
    if (rest_.empty()) rest_ = ",M3.2.0,M11.1.0";
    rule.to_summer_ = change();
    rule.to_standard_ = change();
    if (!rest_.empty()) fail();
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(ErrorCode::kInvalid, "time zone rule '{}' cannot be read at '{}'", text_, rest_);
  }

  bool take(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void need(char wanted) {
    if (!take(wanted)) fail();
  }

  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  // "CET" or "<+03>"; what it is, is for people.
  void name() {
    const bool quoted = take('<');
    const auto end = std::ranges::find_if_not(
        rest_, [&](char c) { return is_letter(c) || (quoted && (is_digit(c) || c == '+' || c == '-')); });
    const auto length = static_cast<std::size_t>(end - rest_.begin());
    if (length < 3) fail();
    rest_.remove_prefix(length);
    if (quoted) need('>');
  }

  int number(int most) {
    if (rest_.empty() || !is_digit(rest_.front())) fail();
    int value = 0;
    while (!rest_.empty() && is_digit(rest_.front())) {
      value = value * 10 + (rest_.front() - '0');
      if (value > most) fail();
      rest_.remove_prefix(1);
    }
    return value;
  }

  // "[+-]h[:m[:s]]" in seconds.
  std::int64_t time(int most_hours) {
    const bool negative = take('-');
    if (!negative) take('+');
    std::int64_t seconds = number(most_hours) * kHour;
    if (take(':'))
      seconds += number(59) * 60;
    else
      return negative ? -seconds : seconds;
    if (take(':')) seconds += number(59);
    return negative ? -seconds : seconds;
  }

  Change change() {
    need(',');
    Change change;
    if (take('M')) {
      change.month = within(1, 12);
      need('.');
      change.week = within(1, 5);
      need('.');
      change.weekday = within(0, 6);
    } else if (take('J')) {
      change.kind = Change::Kind::kJulian;
      change.day = within(1, 365);
    } else {
      change.kind = Change::Kind::kDay;
      change.day = within(0, 365);
    }
    if (take('/')) change.time = time(kMaxHours);
    return change;
  }

  int within(int least, int most) {
    const int value = number(most);
    if (value < least) fail();
    return value;
  }

  std::string_view text_;
  std::string_view rest_;
};

ZoneRule::ZoneRule(std::string_view text) {
  if (!text.empty()) Parser(text).run(*this);
}

// Local seconds, as if they were Unix time.
std::int64_t ZoneRule::Change::local(int year) const {
  using namespace std::chrono;
  const std::chrono::year y(year);
  const std::int64_t new_year = days(sys_days(y / January / 1));
  std::int64_t on = new_year + day;
  if (kind == Kind::kJulian) {
    constexpr int kEndOfFebruary = 59;
    on = new_year + day - 1 + (y.is_leap() && day > kEndOfFebruary ? 1 : 0);
  } else if (kind == Kind::kMonth) {
    const auto m = y / std::chrono::month(static_cast<unsigned>(month));
    const std::chrono::weekday w(static_cast<unsigned>(weekday));
    on = week == 5 ? days(sys_days(m / w[last])) : days(sys_days(m / w[static_cast<unsigned>(week)]));
  }
  return on * kDay + time;
}

std::vector<ZoneRule::Passage> ZoneRule::passages_near(std::int64_t at) const {
  const int year = year_of(at);
  std::vector<Passage> passages;
  for (int y = year - 2; y <= year + 2; ++y) {
    passages.push_back({to_summer_.local(y) - standard_, summer_});
    passages.push_back({to_standard_.local(y) - summer_, standard_});
  }
  // Summer time that ends in the moment in which it begins anew lasts all the year: stable.
  std::ranges::stable_sort(passages, {}, &Passage::at);
  return passages;
}

std::int64_t ZoneRule::offset_at(std::int64_t at) const {
  if (!changes_ || at > kEnd || at < -kEnd) return standard_;
  std::int64_t offset = standard_;
  for (const Passage& passage : passages_near(at)) {
    if (passage.at <= at) offset = passage.offset;
  }
  return offset;
}

std::int64_t ZoneRule::next_change(std::int64_t after) const {
  constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  if (!changes_ || after > kEnd || after < -kEnd) return kNever;
  const auto passages = passages_near(after);
  const auto next = std::ranges::find_if(passages, [&](const Passage& one) { return one.at > after; });
  return next == passages.end() ? kNever : next->at;
}

}  // namespace hivemind::agent

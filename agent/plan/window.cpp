#include "agent/plan/window.h"

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>

namespace hivemind::agent {
namespace {

constexpr std::int64_t kDayMinutes = 24 * 60;
constexpr std::int64_t kWeekMinutes = 7 * kDayMinutes;
constexpr std::int64_t kWeek = kWeekMinutes * 60;
// The hub's clock and a node's may be apart by so much, in seconds, without either being wrong.
constexpr std::int64_t kApart = 5 * 60;
constexpr std::int64_t kFirstMonday = 4 * 24 * 3600;  // Unix time began on a Thursday

std::int64_t modulo(std::int64_t value, std::int64_t by) {
  return (value % by + by) % by;
}

}  // namespace

Window::Window(const DesiredWindow& window) : zone_(window.posix_tz) {
  std::vector<Open> all;
  const auto add = [&](std::int64_t from, std::int64_t to) {
    all.push_back({from, std::min(to, kWeekMinutes)});
    if (to > kWeekMinutes) all.push_back({0, to - kWeekMinutes});
  };
  for (const DesiredWindow::Span& span : window.spans) {
    const std::int64_t over_midnight = span.to_minute <= span.from_minute ? kDayMinutes : 0;
    for (std::int64_t day = 0; day < 7; ++day) {
      if ((span.days >> day & 1u) == 0) continue;
      add(day * kDayMinutes + span.from_minute, day * kDayMinutes + span.to_minute + over_midnight);
    }
  }
  std::ranges::sort(all, {}, &Open::from);
  for (const Open& one : all) {
    if (!week_.empty() && one.from <= week_.back().to) {
      week_.back().to = std::max(week_.back().to, one.to);
    } else {
      week_.push_back(one);
    }
  }
}

std::int64_t Window::second_of_week(std::int64_t at) const {
  return modulo(at + zone_.offset_at(at) - kFirstMonday, kWeek);
}

const Window::Open* Window::open_at(std::int64_t second) const {
  const auto found = std::ranges::find_if(
      week_, [&](const Open& one) { return one.from * 60 <= second && second < one.to * 60; });
  return found == week_.end() ? nullptr : &*found;
}

bool Window::is_open(std::int64_t at) const {
  return open_at(second_of_week(at)) != nullptr;
}

// Second of the week, perhaps the next one's, at which the clocks reach the next edge of a span.
std::int64_t Window::next_edge(std::int64_t second) const {
  std::int64_t next = kWeek;  // an edge, or two spans that meet at the end of the week
  for (const Open& one : week_) {
    for (const std::int64_t edge : {one.from * 60, one.to * 60}) {
      if (edge > second) next = std::min(next, edge);
    }
  }
  return next;
}

std::optional<std::int64_t> Window::next_change(std::int64_t at) const {
  const bool now = is_open(at);
  // From one edge or change of the clocks to the next; all of them are met within a week, unless nothing ever
  // changes, or what there is falls into what is skipped.
  constexpr std::int64_t kLongest = 3 * kWeek;
  for (std::int64_t moment = at; moment - at <= kLongest;) {
    const std::int64_t second = second_of_week(moment);
    moment = std::min(moment + next_edge(second) - second, zone_.next_change(moment));
    if (is_open(moment) != now) return moment;
  }
  return std::nullopt;
}

std::string Window::local_text(std::int64_t at) const {
  using namespace std::chrono;
  constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  const sys_seconds local(seconds(at + zone_.offset_at(at)));
  const auto day = floor<days>(local);
  const year_month_day date(day);
  const auto minute = duration_cast<minutes>(local - day).count();
  return fmt::format("{} {:04}-{:02}-{:02} {:02}:{:02}", kDays.at(weekday(day).c_encoding()),
                     static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), minute / 60, minute % 60);
}

bool is_plausible(std::int64_t at, std::int64_t issued_at_ms) {
  return at >= issued_at_ms / 1'000 - kApart;
}

}  // namespace hivemind::agent

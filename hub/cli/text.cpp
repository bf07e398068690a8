#include "hub/cli/text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include <fmt/format.h>

namespace hivemind::hub::cli {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Enough of Unicode's East Asian Width and emoji tables for names and log lines; wcwidth() would need a
// locale.
constexpr Range kWide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},   {0xAC00, 0xD7A3},
                           {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
                           {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
constexpr Range kNarrowless[] = {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}};
// C0, DEL and C1; and the marks that turn the direction of text around.
constexpr Range kControl[] = {{0x00, 0x1F}, {0x7F, 0x9F}, {0x2028, 0x202E}, {0x2066, 0x2069}};

template <std::size_t N>
bool within(const Range (&ranges)[N], char32_t character) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [&](const Range& range) { return character >= range.first && character <= range.last; });
}

struct Character {
  char32_t value = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

Character decode(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t bytes = lead >= 0xF0 && lead < 0xF5 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (bytes == 0 || lead >= 0xF5 || text.size() < bytes) return {};
  char32_t value = lead & (0xFF >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0) != 0x80) return {};
    value = (value << 6) | (next & 0x3F);
  }
  return {value, bytes, true};
}

std::size_t width_of(char32_t character) {
  if (within(kNarrowless, character)) return 0;
  return within(kWide, character) ? 2 : 1;
}

// Bytes of the longest beginning that takes at most width columns.
std::size_t prefix_of(std::string_view text, std::size_t width) {
  std::size_t used = 0;
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    const Character next = decode(text.substr(bytes));
    used += width_of(next.value);
    if (used > width) break;
    bytes += next.bytes;
  }
  return bytes;
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) return std::nullopt;
  int value = 0;
  const char* const end = text.data() + at + count;
  const auto [stop, error] = std::from_chars(text.data() + at, end, value);
  if (error != std::errc{} || stop != end || text[at] == '-') return std::nullopt;
  return value;
}

// What "Z", "+01:00" or "-05:30" adds to UTC.
std::optional<std::chrono::minutes> offset_of(std::string_view zone) {
  using std::chrono::hours;
  using std::chrono::minutes;
  if (zone == "Z" || zone == "z") return minutes{0};
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return std::nullopt;
  const auto hour = digits(zone, 1, 2);
  const auto minute = digits(zone, 4, 2);
  if (!hour || !minute) return std::nullopt;
  const minutes offset = hours{*hour} + minutes{*minute};
  return zone[0] == '-' ? -offset : offset;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const Character next = decode(text);
    if (!next.valid) {
      result += '?';
    } else if (within(kControl, next.value)) {
      result += ' ';
    } else {
      result += text.substr(0, next.bytes);
    }
    text.remove_prefix(next.bytes);
  }
  return result;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Character next = decode(text);
    width += width_of(next.value);
    text.remove_prefix(next.bytes);
  }
  return width;
}

std::string fit(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  return std::string(text.substr(0, prefix_of(text, width - 1))) + "…";
}

std::string pad(std::string_view text, std::size_t width) {
  std::string result(text);
  const std::size_t used = display_width(text);
  if (used < width) result.append(width - used, ' ');
  return result;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (display_width(text) > width) {
    std::size_t end = std::max(prefix_of(text, width), decode(text).bytes);  // a wide character in one column
    std::size_t next = end;
    if (end < text.size() && text[end] != ' ') {
      const std::size_t space = text.substr(0, end).rfind(' ');
      if (space != std::string_view::npos && space > 0) end = next = space;
    }
    while (next < text.size() && text[next] == ' ') ++next;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(next);
  }
  if (!text.empty() || lines.empty()) lines.emplace_back(text);
  return lines;
}

std::string short_revision(std::string_view revision) {
  const bool hex =
      revision.size() == 40 && revision.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return std::string(hex ? revision.substr(0, 12) : revision);
}

std::string short_digest(std::string_view digest) {
  constexpr std::size_t kShort = std::string_view("sha256:").size() + 12;
  return std::string(digest.starts_with("sha256:") ? digest.substr(0, kShort) : digest);
}

std::optional<std::chrono::system_clock::time_point> parse_time(std::string_view text) {
  namespace chrono = std::chrono;
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != ' ') ||
      text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const chrono::year_month_day date{chrono::year{*year}, chrono::month(static_cast<unsigned>(*month)),
                                    chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  std::string_view zone = text.substr(19);
  if (zone.starts_with('.')) {
    zone.remove_prefix(std::min(zone.find_first_not_of("0123456789", 1), zone.size()));
  }
  const auto offset = offset_of(zone);
  if (!offset) return std::nullopt;
  return chrono::sys_days{date} + chrono::hours{*hour} + chrono::minutes{*minute} + chrono::seconds{*second} -
         *offset;
}

std::string age(std::string_view time, std::chrono::system_clock::time_point now) {
  using namespace std::chrono_literals;
  const auto then = parse_time(time);
  if (!then) return "-";
  const auto past = std::chrono::duration_cast<std::chrono::seconds>(now - *then);
  if (past < 1s) return "just now";
  if (past < 60s) return fmt::format("{}s ago", past / 1s);
  if (past < 1h) return fmt::format("{}m ago", past / 60s);
  if (past < 48h) return fmt::format("{}h ago", past / 1h);
  return fmt::format("{}d ago", past / 24h);
}

std::string clock_text(std::string_view time) {
  const auto point = parse_time(time);
  if (!point) return "-";
  const auto days = std::chrono::floor<std::chrono::days>(*point);
  const std::chrono::year_month_day date{days};
  const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(*point - days)};
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::string duration_text(std::chrono::milliseconds duration) {
  using namespace std::chrono_literals;
  if (duration < 60s) return fmt::format("{:.1f}s", static_cast<double>(duration.count()) / 1000);
  if (duration < 1h) return fmt::format("{}m {}s", duration / 60s, duration % 60s / 1s);
  return fmt::format("{}h {}m", duration / 1h, duration % 1h / 60s);
}

std::string size_text(std::int64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  constexpr std::string_view kUnits[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
  while (value >= 999.95 && unit + 1 < std::size(kUnits)) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  using std::chrono::milliseconds;
  constexpr std::int64_t kMost = 31LL * 24 * 3600 * 1000;  // a month, far from any overflow
  struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
  };
  constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"", 1000}};
  std::int64_t total = 0;
  bool bare = false;
  while (!text.empty() && !bare) {
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || value < 0 || value > kMost) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    const std::string_view name = text.substr(0, std::min(text.find_first_of("0123456789"), text.size()));
    const auto unit =
        std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& u) { return u.name == name; });
    if (unit == std::end(kUnits)) return std::nullopt;
    bare = name.empty();
    if (bare && total > 0) return std::nullopt;  // "5m30": half a unit is a slip
    total += value * unit->milliseconds;
    if (total > kMost) return std::nullopt;
    text.remove_prefix(name.size());
  }
  if (total <= 0 || !text.empty()) return std::nullopt;
  return milliseconds{total};
}

std::optional<std::chrono::milliseconds> parse_span(std::string_view text) {
  constexpr int kMostDays = 3653;
  if (!text.ends_with('d')) return parse_duration(text);
  text.remove_suffix(1);
  int days = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), days);
  const bool good =
      error == std::errc{} && stop == text.data() + text.size() && days > 0 && days <= kMostDays;
  return good ? std::optional<std::chrono::milliseconds>(std::chrono::hours(24) * days) : std::nullopt;
}

std::string count_text(std::int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace hivemind::hub::cli

#include "agent/plan/window.h"

#include <array>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>

#include <fmt/format.h>

#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

// What the system's own library takes a zone to be, by name or rule.
class SystemZone {
 public:
  explicit SystemZone(const std::string& zone) {
    if (const char* before = std::getenv("TZ")) before_ = before;
    ::setenv("TZ", zone.c_str(), 1);
    ::tzset();
  }
  ~SystemZone() {
    before_.empty() ? ::unsetenv("TZ") : ::setenv("TZ", before_.c_str(), 1);
    ::tzset();
  }
  SystemZone(const SystemZone&) = delete;
  SystemZone& operator=(const SystemZone&) = delete;

  static std::tm local(std::int64_t at) {
    const std::time_t time = at;
    std::tm broken_down{};
    ::localtime_r(&time, &broken_down);
    return broken_down;
  }

 private:
  std::string before_;
};

std::int64_t unix_time(int year, int month, int day, int hour, int minute, int second = 0) {
  std::tm utc{};
  utc.tm_year = year - 1900;
  utc.tm_mon = month - 1;
  utc.tm_mday = day;
  utc.tm_hour = hour;
  utc.tm_min = minute;
  utc.tm_sec = second;
  return ::timegm(&utc);
}

constexpr const char* kBerlin = "CET-1CEST,M3.5.0,M10.5.0/3";
constexpr unsigned kSaturday = 1u << 5, kSunday = 1u << 6, kEveryDay = 0x7f;

DesiredWindow window(std::vector<DesiredWindow::Span> spans, const std::string& rule = "") {
  return {std::move(spans), rule, ""};
}

// The rule of a zone of the system: what stands between the last two line feeds of its file.
std::string rule_of(const std::string& zone) {
  const std::string content = read_file("/usr/share/zoneinfo/" + zone);
  const std::string text = content.substr(0, content.size() - 1);
  return text.substr(text.rfind('\n') + 1);
}

bool shown_in(const std::vector<DesiredWindow::Span>& spans, std::int64_t at) {
  const std::tm local = SystemZone::local(at);
  const unsigned today = static_cast<unsigned>(local.tm_wday + 6) % 7, yesterday = (today + 6) % 7;
  const auto minute = static_cast<unsigned>(local.tm_hour * 60 + local.tm_min);
  for (const DesiredWindow::Span& span : spans) {
    const bool over_midnight = span.to_minute <= span.from_minute;
    const bool from_today = (span.days >> today & 1u) != 0,
               from_yesterday = (span.days >> yesterday & 1u) != 0;
    if (from_today && minute >= span.from_minute && (over_midnight || minute < span.to_minute)) return true;
    if (over_midnight && from_yesterday && minute < span.to_minute) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a clock that nobody is known to set is right, unless it is long before the newest manifest") {
  const std::int64_t issued = unix_time(2026, 11, 21, 2, 0);
  CHECK(is_plausible(issued + 86400, issued * 1000));
  CHECK(is_plausible(issued, issued * 1000));
  CHECK(is_plausible(issued - 60, issued * 1000));
  CHECK_FALSE(is_plausible(issued - 3600, issued * 1000));
  CHECK_FALSE(is_plausible(5, issued * 1000));
}

TEST_CASE("a zone's rule says what the system's library says, for any rule and any year") {
  const char* kRules[] = {"UTC0",
                          kBerlin,
                          "EST5EDT,M3.2.0,M11.1.0",
                          "<+0330>-3:30",
                          "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
                          "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
                          "IST-1GMT0,M10.5.0,M3.5.0/1",
                          "IST-2IDT,M3.4.4/26,M10.5.0",
                          "EET-2EEST,M3.5.0/0,M10.5.0/0",
                          "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
                          "EET-2EEST,M3.4.4/50,M10.4.4/50",
                          "AAA3BBB,J60/0,J300/24",
                          "AAA-3BBB,59/0,300/24",
                          "AAA-3:15:30BBB-4:00:10,J59,J60/-100",
                          "NZST-12NZDT,M9.5.0,M4.1.0/3"};
  std::mt19937_64 random(7);
  for (const char* rule : kRules) {
    INFO(rule);
    const SystemZone system(rule);
    const ZoneRule zone(rule);
    std::uniform_int_distribution<std::int64_t> any(0, unix_time(2500, 1, 1, 0, 0));
    for (int i = 0; i < 3000; ++i) {
      const std::int64_t at = any(random);
      INFO(at);
      REQUIRE(zone.offset_at(at) == SystemZone::local(at).tm_gmtoff);
    }
    // Around every change, and nowhere between two of them.
    std::int64_t at = 0;
    for (int i = 0; i < 300 && zone.next_change(at) < unix_time(2500, 1, 1, 0, 0); ++i) {
      const std::int64_t next = zone.next_change(at);
      REQUIRE(next > at);
      for (const std::int64_t near : {at, at + 1, (at + next) / 2, next - 1, next}) {
        INFO(near);
        REQUIRE(zone.offset_at(near) == SystemZone::local(near).tm_gmtoff);
      }
      at = next;
    }
  }
}

TEST_CASE("the rule of every zone of this machine is read, and is what its clocks show from now on") {
  std::mt19937_64 random(11);
  int zones = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("/usr/share/zoneinfo")) {
    const std::string name = entry.path().lexically_relative("/usr/share/zoneinfo").string();
    if (!entry.is_regular_file() || name.starts_with("right/") || name.starts_with("posix/")) continue;
    if (!read_file(entry.path()).starts_with("TZif")) continue;
    ++zones;
    INFO(name);
    const ZoneRule zone(rule_of(name));
    const SystemZone system(":" + name);
    std::uniform_int_distribution<std::int64_t> later(unix_time(2088, 1, 1, 0, 0),
                                                      unix_time(2200, 1, 1, 0, 0));
    for (int i = 0; i < 50; ++i) {
      const std::int64_t at = later(random);
      REQUIRE(zone.offset_at(at) == SystemZone::local(at).tm_gmtoff);
    }
  }
  CHECK(zones > 100);
}

TEST_CASE("what is no rule of a zone is refused") {
  for (const char* rule :
       {"Europe/Berlin", "CE-1", "CET", "CET-", "CET-25", "CET-1CEST,M3.5.0", "CET-1CEST,M13.1.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J5", "CET-1CEST,J366,J5",
        "CET-1CEST,366,5", "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0,", "<+03-3", "<>-3",
        "CET-1:60", " CET-1", "CET-99999999999999999999"}) {
    INFO(rule);
    CHECK_THROWS_AS(ZoneRule(rule), Error);
  }
  CHECK(ZoneRule("").offset_at(0) == 0);
  // Summer time all the year (RFC 8536, 3.3.1); the system's library has other hours around new year.
  const ZoneRule always("EST5EDT,0/0,J365/25");
  for (std::int64_t at = 0; at < unix_time(2000, 1, 1, 0, 0); at += 3600) {
    REQUIRE(always.offset_at(at) == -4 * 3600);
  }
  // Without days it is as in the United States; the system's library would look for a file of rules.
  const ZoneRule named("EST5EDT"), whole("EST5EDT,M3.2.0,M11.1.0");
  for (std::int64_t at = 0; at < unix_time(1990, 1, 1, 0, 0); at += 100000) {
    REQUIRE(named.offset_at(at) == whole.offset_at(at));
  }
}

TEST_CASE("a window opens and closes by the clocks of its zone") {
  const Window nights(window({{kSaturday | kSunday, 2 * 60, 4 * 60}}, kBerlin));
  // Winter: 02:00 is 01:00 UTC. 21 November 2026 is a Saturday.
  CHECK_FALSE(nights.is_open(unix_time(2026, 11, 21, 0, 59, 59)));
  CHECK(nights.is_open(unix_time(2026, 11, 21, 1, 0)));
  CHECK(nights.next_change(unix_time(2026, 11, 21, 0, 54)) == unix_time(2026, 11, 21, 1, 0));
  CHECK(nights.next_change(unix_time(2026, 11, 21, 1, 0)) == unix_time(2026, 11, 21, 3, 0));
  CHECK(nights.next_change(unix_time(2026, 11, 22, 3, 0)) == unix_time(2026, 11, 28, 1, 0));
  CHECK(nights.is_open(unix_time(2026, 7, 4, 0, 0)));  // summer
  CHECK_FALSE(nights.is_open(unix_time(2026, 7, 4, 2, 0)));
  CHECK(nights.local_text(unix_time(2026, 11, 21, 1, 0)) == "Sat 2026-11-21 02:00");
}

TEST_CASE("what the clocks skip of a span is not had, and what they show twice is there twice") {
  const Window nights(window({{kSunday, 2 * 60, 3 * 60}}, kBerlin));
  // 28 March 2027: 02:00 becomes 03:00 at 01:00 UTC. The next one is a week later.
  CHECK(nights.next_change(unix_time(2027, 3, 27, 12, 0)) == unix_time(2027, 4, 4, 0, 0));
  const Window longer(window({{kSunday, 2 * 60, 4 * 60}}, kBerlin));
  CHECK(longer.next_change(unix_time(2027, 3, 27, 12, 0)) == unix_time(2027, 3, 28, 1, 0));
  CHECK(longer.next_change(unix_time(2027, 3, 28, 1, 0)) == unix_time(2027, 3, 28, 2, 0));
  // 31 October 2027: 03:00 becomes 02:00 at 01:00 UTC.
  CHECK(nights.next_change(unix_time(2027, 10, 30, 12, 0)) == unix_time(2027, 10, 31, 0, 0));
  CHECK(nights.next_change(unix_time(2027, 10, 31, 0, 0)) == unix_time(2027, 10, 31, 2, 0));
  const Window half(window({{kSunday, 2 * 60 + 30, 3 * 60}}, kBerlin));
  CHECK(half.next_change(unix_time(2027, 10, 30, 12, 0)) == unix_time(2027, 10, 31, 0, 30));
  CHECK(half.next_change(unix_time(2027, 10, 31, 0, 30)) == unix_time(2027, 10, 31, 1, 0));
  CHECK(half.next_change(unix_time(2027, 10, 31, 1, 0)) == unix_time(2027, 10, 31, 1, 30));
}

TEST_CASE("a window over midnight, over the end of the week or the year, and one that never closes") {
  const Window late(window({{kSunday, 22 * 60, 2 * 60}}));
  CHECK(late.next_change(unix_time(2026, 11, 22, 12, 0)) == unix_time(2026, 11, 22, 22, 0));
  CHECK(late.next_change(unix_time(2026, 11, 22, 23, 0)) == unix_time(2026, 11, 23, 2, 0));
  CHECK(late.is_open(unix_time(2026, 11, 23, 1, 59)));
  const Window new_year(window({{1u << 3, 23 * 60, 60}}));  // 31 December 2026 is a Thursday
  CHECK(new_year.next_change(unix_time(2026, 12, 31, 23, 30)) == unix_time(2027, 1, 1, 1, 0));
  CHECK_FALSE(Window(window({{kEveryDay, 0, 1440}}, kBerlin)).next_change(0));
  CHECK_FALSE(Window(window({{kEveryDay, 12 * 60, 0}, {kEveryDay, 0, 12 * 60}})).next_change(0));
  const Window leap(window({{1u << 1, 0, 1440}}));  // 29 February 2028 is a Tuesday
  CHECK(leap.is_open(unix_time(2028, 2, 29, 12, 0)));
  CHECK(leap.next_change(unix_time(2028, 2, 29, 12, 0)) == unix_time(2028, 3, 1, 0, 0));
}

TEST_CASE(
    "a window is open just while the system's clocks show a time of it, in 1970, now, after 2038, in a leap "
    "year") {
  std::mt19937 random(3);
  const auto pick = [&](unsigned most) { return std::uniform_int_distribution<unsigned>(0, most)(random); };
  for (const char* rule : {"UTC0", kBerlin, "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "EST5EDT,M3.2.0,M11.1.0",
                           "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "<+0545>-5:45"}) {
    const SystemZone system(rule);
    for (int round = 0; round < 12; ++round) {
      std::vector<DesiredWindow::Span> spans;
      for (unsigned i = 0; i <= pick(2); ++i) {
        const unsigned from = pick(1439), to = pick(1440);
        if (from != to) spans.push_back({1 + pick(126), from, to});
      }
      if (spans.empty()) continue;
      const Window tested(window(spans, rule));
      for (const int year : {1970, 2026, 2028, 2039, 2100}) {
        // From a random day on, one that is near a change of the clocks more often than not.
        const unsigned month = std::array{1u, 3u, 4u, 10u, 11u, 12u}.at(pick(5));
        const std::int64_t begin =
            unix_time(year, static_cast<int>(month), 1 + static_cast<int>(pick(27)), 0, 0);
        std::optional<std::int64_t> change = tested.next_change(begin);
        for (std::int64_t at = begin; at < begin + 9 * 86400; at += 60) {
          INFO(rule << " at " << at);
          REQUIRE(tested.is_open(at) == shown_in(spans, at));
          if (at > begin && tested.is_open(at) != tested.is_open(at - 60)) {
            REQUIRE(change == at);
            change = tested.next_change(at);
          }
        }
      }
    }
  }
}

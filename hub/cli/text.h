#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Text as a terminal shows it. Pure.
namespace hivemind::hub::cli {

// Nodes and commits write part of what we print: control characters (escape sequences among them) become
// spaces, and bytes that are no UTF-8 become '?', so that no text can drive the terminal.
std::string printable(std::string_view text);

// Columns that printable text takes: combining marks none, East Asian wide characters and emoji two.
std::size_t display_width(std::string_view text);

// The text when it fits, else its beginning and '…'. width is at least 1.
std::string fit(std::string_view text, std::size_t width);

// Filled up with spaces to width columns.
std::string pad(std::string_view text, std::size_t width);

// Lines of at most width columns, broken at spaces where there are any. At least one line.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

// A commit as people read it: 12 hex digits; anything else, such as "working-tree", as it is.
std::string short_revision(std::string_view revision);

// "sha256:" and 12 hex digits.
std::string short_digest(std::string_view digest);

// "2026-01-31T12:00:00Z", with or without a fraction or an offset such as "+01:00". Nothing for anything
// else.
std::optional<std::chrono::system_clock::time_point> parse_time(std::string_view text);

// "just now", "12s ago", "3m ago", "5h ago", "4d ago"; "-" for no time. A time ahead of now counts as now.
std::string age(std::string_view time, std::chrono::system_clock::time_point now);

// "2026-01-31 12:00:00", in UTC.
std::string clock_text(std::string_view time);

// "1.2s", "4m 10s", "2h 5m".
std::string duration_text(std::chrono::milliseconds duration);

// "512 B", "3.8 KB", "29.0 GB": powers of 1000.
std::string size_text(std::int64_t bytes);

// "90s", "5m", "1h30m", "500ms"; a bare number is seconds. Nothing for anything else, zero and negatives
// included.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// The same, and whole days ("30d") up to ten years.
std::optional<std::chrono::milliseconds> parse_span(std::string_view text);

// "1 node", "2 nodes".
std::string count_text(std::int64_t count, std::string_view noun);

}  // namespace hivemind::hub::cli

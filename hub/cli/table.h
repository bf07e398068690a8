#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// What is printed to: how wide, whether in colour, and what time it is. Pure.
namespace hivemind::hub::cli {

enum class Colour { kOff, kOn };

struct Screen {
  std::size_t width = 80;
  Colour colour = Colour::kOff;
  std::chrono::system_clock::time_point now;
};

enum class Tone { kPlain, kGood, kBusy, kBad, kFaint, kStrong };

// The text in the colour of its meaning; unchanged where there is no colour.
std::string paint(const Screen& screen, Tone tone, std::string_view text);

// The tone of a state's name: "running" is good, "failed" bad, "applying" busy …
Tone tone_of(std::string_view state);

enum class Overflow {
  kKeep,  // never narrowed: numbers, states, revisions
  kCut,   // narrowed when the terminal is too narrow, the rest becomes '…'
  kWrap,  // goes on in further lines of the same row
};

struct Column {
  std::string title;
  Overflow overflow = Overflow::kKeep;
  std::size_t at_least = 0;    // columns, so that tables that are printed piece by piece stay in line
  std::size_t most_lines = 0;  // of a cell that wraps; what is left out becomes '…'; 0: all
};

struct Cell {
  std::string text;
  Tone tone = Tone::kPlain;
};

enum class Titles { kShown, kHidden };

// Columns as wide as their widest cell, two spaces apart, narrowed as their Overflow allows until a row fits
// the screen. Every cell goes through printable(). Ends with a line break; rows may have fewer cells than
// there are columns.
std::string layout(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows,
                   const Screen& screen, Titles titles = Titles::kShown);

}  // namespace hivemind::hub::cli

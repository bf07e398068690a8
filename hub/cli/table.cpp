#include "hub/cli/table.h"

#include <algorithm>
#include <numeric>

#include "hub/cli/text.h"

namespace hivemind::hub::cli {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrowest = 12;      // of a column that is cut
constexpr std::size_t kNarrowestWrap = 16;  // of one that wraps: narrower, it is a column of single words

using Widths = std::vector<std::size_t>;

Widths natural_widths(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows,
                      Titles titles) {
  Widths widths;
  for (const Column& column : columns) {
    widths.push_back(std::max(column.at_least, titles == Titles::kShown ? display_width(column.title) : 0));
  }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(row[i].text));
    }
  }
  return widths;
}

std::size_t total(const Widths& widths) {
  return std::accumulate(widths.begin(), widths.end(), widths.empty() ? 0 : (widths.size() - 1) * kGap);
}

std::size_t narrowest(const Column& column, std::size_t natural) {
  switch (column.overflow) {
    case Overflow::kKeep:
      return natural;
    case Overflow::kCut:
      return std::min(natural, kNarrowest);
    case Overflow::kWrap:
      return std::min(natural, kNarrowestWrap);
  }
  return natural;
}

// Takes from the wrapping columns first, which lose nothing by it, then from the widest of those that are
// cut.
void narrow(Widths& widths, const std::vector<Column>& columns, std::size_t available) {
  for (const Overflow kind : {Overflow::kWrap, Overflow::kCut}) {
    Widths least(widths.size());
    for (std::size_t i = 0; i < widths.size(); ++i) least[i] = narrowest(columns[i], widths[i]);
    while (total(widths) > available) {
      std::size_t widest = widths.size();
      for (std::size_t i = 0; i < widths.size(); ++i) {
        if (columns[i].overflow != kind || widths[i] <= least[i]) continue;
        if (widest == widths.size() || widths[i] > widths[widest]) widest = i;
      }
      if (widest == widths.size()) break;
      --widths[widest];
    }
  }
}

std::vector<std::string> wrapped(const std::string& text, std::size_t width, std::size_t most) {
  std::vector<std::string> lines = wrap(text, width);
  if (most == 0 || lines.size() <= most) return lines;
  lines.resize(most);
  lines.back() = fit(lines.back() + " …", width);
  return lines;
}

std::vector<std::string> lines_of(const Cell& cell, const Column& column, std::size_t width) {
  if (width == 0) return {""};
  if (column.overflow == Overflow::kWrap) return wrapped(cell.text, width, column.most_lines);
  return {column.overflow == Overflow::kCut ? fit(cell.text, width) : cell.text};
}

void trim_right(std::string& line) {
  line.erase(line.find_last_not_of(' ') + 1);
}

std::string row_text(const std::vector<Cell>& row, const std::vector<Column>& columns, const Widths& widths,
                     const Screen& screen) {
  std::vector<std::vector<std::string>> cells;
  std::size_t height = 1;
  for (std::size_t i = 0; i < row.size() && i < columns.size(); ++i) {
    cells.push_back(lines_of(row[i], columns[i], widths[i]));
    height = std::max(height, cells.back().size());
  }
  std::string text;
  for (std::size_t line = 0; line < height; ++line) {
    std::string out;
    std::size_t gap = 0;  // owed before the next text, so that no line ends in spaces
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string piece = line < cells[i].size() ? cells[i][line] : "";
      if (!piece.empty()) {
        out.append(gap, ' ').append(paint(screen, row[i].tone, piece));
        gap = 0;
      }
      gap += widths[i] - std::min(widths[i], display_width(piece)) + kGap;
    }
    trim_right(out);
    text += out + '\n';
  }
  return text;
}

}  // namespace

std::string paint(const Screen& screen, Tone tone, std::string_view text) {
  if (screen.colour == Colour::kOff || tone == Tone::kPlain || text.empty()) return std::string(text);
  const char* code = "";
  switch (tone) {
    case Tone::kGood:
      code = "32";
      break;
    case Tone::kBusy:
      code = "33";
      break;
    case Tone::kBad:
      code = "31";
      break;
    case Tone::kFaint:
      code = "2";
      break;
    case Tone::kStrong:
      code = "1";
      break;
    case Tone::kPlain:
      break;
  }
  return std::string("\x1b[") + code + "m" + std::string(text) + "\x1b[0m";
}

Tone tone_of(std::string_view state) {
  for (const std::string_view good :
       {"converged", "running", "completed", "applied", "ok", "online", "healthy"}) {
    if (state == good) return Tone::kGood;
  }
  for (const std::string_view bad :
       {"failed", "invalid", "error", "unhealthy", "fetch_failed", "rolled_back", "unsigned"}) {
    if (state == bad) return Tone::kBad;
  }
  for (const std::string_view busy :
       {"applying", "pending", "scheduled", "held", "starting", "warning", "unknown"}) {
    if (state == busy) return Tone::kBusy;
  }
  return state == "offline" || state == "disabled" || state == "revoked" ? Tone::kFaint : Tone::kPlain;
}

std::string layout(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows,
                   const Screen& screen, Titles titles) {
  std::vector<std::vector<Cell>> shown = rows;
  for (auto& row : shown) {
    for (Cell& cell : row) cell.text = printable(cell.text);
  }
  Widths widths = natural_widths(columns, shown, titles);
  narrow(widths, columns, screen.width);
  std::string text;
  if (titles == Titles::kShown) {
    std::vector<Cell> head;
    for (const Column& column : columns) head.push_back({column.title, Tone::kStrong});
    text += row_text(head, columns, widths, screen);
  }
  for (const auto& row : shown) text += row_text(row, columns, widths, screen);
  return text;
}

}  // namespace hivemind::hub::cli

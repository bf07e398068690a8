#pragma once

#include <cstddef>
#include <iosfwd>

#include "hub/cli/table.h"

namespace hivemind::hub::cli {

// Where the commands print to: results to out, progress and failures to err.
struct Console {
  std::ostream& out;
  std::ostream& err;
  std::size_t width = 80;
  Colour out_colour = Colour::kOff;
  Colour err_colour = Colour::kOff;

  // A screen with the time of the call.
  Screen out_screen() const;
  Screen err_screen() const;
};

// The process's standard streams. Width: COLUMNS, else the terminal's, else 80. Colour: on a terminal, unless
// NO_COLOR is set (https://no-color.org) or TERM is "dumb".
Console standard_console();

}  // namespace hivemind::hub::cli

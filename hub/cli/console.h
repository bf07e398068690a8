#pragma once

#include <cstddef>
#include <iosfwd>

#include "hub/cli/table.h"
#include "hub/desired/environment.h"

namespace hivemind::hub::cli {

// Where the commands print to: results to out, progress and failures to err; and the environment that they
// are started in.
struct Console {
  std::ostream& out;
  std::ostream& err;
  std::size_t width = 80;
  Colour out_colour = Colour::kOff;
  Colour err_colour = Colour::kOff;
  Variables environment{};  // of the process

  // A screen with the time of the call.
  Screen out_screen() const;
  Screen err_screen() const;
};

// The process's standard streams and environment. Width: COLUMNS, else the terminal's, else 80. Colour: on a
// terminal, unless NO_COLOR is set (https://no-color.org) or TERM is "dumb".
Console standard_console();

}  // namespace hivemind::hub::cli

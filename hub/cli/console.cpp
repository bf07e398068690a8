#include "hub/cli/console.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

namespace hivemind::hub::cli {
namespace {

constexpr std::size_t kUsual = 80;
constexpr std::size_t kNarrowest =
    40;  // below, tables are of no use, so lines are left to the terminal to break
constexpr std::size_t kWidest = 1000;

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::size_t terminal_width() {
  std::size_t width = kUsual;
  winsize size{};
  if (::isatty(STDOUT_FILENO) == 1 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    width = size.ws_col;
  }
  const std::string_view columns = variable("COLUMNS");
  if (!columns.empty() && columns.size() < 6 &&
      columns.find_first_not_of("0123456789") == std::string_view::npos) {
    width = std::strtoul(columns.data(), nullptr, 10);
  }
  return std::clamp(width, kNarrowest, kWidest);
}

Colour colour_of(int descriptor) {
  const bool wanted = variable("NO_COLOR").empty() && variable("TERM") != "dumb";
  return wanted && ::isatty(descriptor) == 1 ? Colour::kOn : Colour::kOff;
}

Variables process_environment() {
  Variables all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=', 1);
    if (equals != std::string_view::npos) all[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  }
  return all;
}

}  // namespace

Screen Console::out_screen() const {
  return {width, out_colour, std::chrono::system_clock::now()};
}
Screen Console::err_screen() const {
  return {width, err_colour, std::chrono::system_clock::now()};
}

Console standard_console() {
  return {std::cout,
          std::cerr,
          terminal_width(),
          colour_of(STDOUT_FILENO),
          colour_of(STDERR_FILENO),
          process_environment()};
}

}  // namespace hivemind::hub::cli

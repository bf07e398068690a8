#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hivemind/v1/manifest.pb.h"

namespace hivemind::hub::compose {

inline constexpr int kMaxSpans = 100;  // of a window

struct SpansRead {
  std::vector<v1::Window::Span> spans;
  std::string wrong;  // what cannot be read, and why; empty: nothing
};

// The spans of a window: "Sat,Sun 02:00-04:00; Mon-Fri 22:00-24:00". Days are names of three letters or whole
// ones, in English and any case; lists and ranges of them, also over the end of the week; "daily", or none,
// is all. A span that ends before it begins lasts into the next day.
SpansRead parse_spans(std::string_view text);

}  // namespace hivemind::hub::compose

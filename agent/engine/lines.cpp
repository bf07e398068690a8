#include "agent/engine/lines.h"

#include <utility>

#include "common/error.h"

namespace hivemind::agent {

void Lines::emit(std::string_view line) const {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!line.empty()) on_line_(line);
}

void Lines::feed(std::string_view piece) {
  while (!piece.empty()) {
    const auto end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    if (begun_.size() + part.size() > kMaxLine) {
      throw Error(ErrorCode::kCorrupt, "a line of the engine's stream has more than {} bytes", kMaxLine);
    }
    if (end == std::string_view::npos) {
      begun_ += part;
      return;
    }
    if (begun_.empty()) {
      emit(part);
    } else {
      begun_ += part;
      emit(std::exchange(begun_, {}));
    }
    piece.remove_prefix(end + 1);
  }
}

void Lines::finish() {
  emit(std::exchange(begun_, {}));
}

}  // namespace hivemind::agent

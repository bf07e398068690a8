#include "agent/engine/exec_output.h"

#include <algorithm>

namespace hivemind::agent {
namespace {

constexpr std::size_t kHeader = 8;

std::size_t length_in(const std::string& header) {
  std::size_t length = 0;
  for (std::size_t i = 4; i < kHeader; ++i) length = length << 8 | static_cast<unsigned char>(header[i]);
  return length;
}

}  // namespace

void ExecOutput::feed(std::string_view piece) {
  while (!piece.empty()) {
    if (left_ == 0) {
      const std::size_t count = std::min(kHeader - header_.size(), piece.size());
      header_.append(piece.substr(0, count));
      piece.remove_prefix(count);
      if (header_.size() < kHeader) return;
      left_ = length_in(header_);
      header_.clear();
      continue;
    }
    const std::size_t count = std::min(left_, piece.size());
    tail_.append(piece.substr(0, count));
    piece.remove_prefix(count);
    left_ -= count;
    if (tail_.size() > 4 * kMost) tail_.erase(0, tail_.size() - 2 * kMost);
  }
}

std::string ExecOutput::text(const std::function<std::string(std::string)>& clean) const {
  std::string text = clean ? clean(tail_) : tail_;
  if (text.size() > kMost) text.erase(0, text.size() - kMost);
  const auto end = text.find_last_not_of(" \t\r\n");
  if (end == std::string::npos) return {};
  text.erase(end + 1);
  std::size_t from = text.size();
  for (std::size_t lines = 0; lines < kMostLines && from != std::string::npos && from > 0; ++lines)
    from = text.rfind('\n', from - 1);
  if (from != std::string::npos) text.erase(0, from);
  text.erase(0, text.find_first_not_of(" \t\r\n"));
  return text;
}

}  // namespace hivemind::agent

#include "agent/engine/pull_stream.h"

#include <algorithm>
#include <array>

#include "agent/engine/decode.h"

namespace hivemind::agent {

namespace {

constexpr std::size_t kMaxLayers = 1024;                   // an image has 127 at most
constexpr std::int64_t kMaxLayer = std::int64_t{1} << 50;  // keeps the sums from overflowing

bool holds_any(std::string_view words, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [words](std::string_view part) { return words.find(part) != std::string_view::npos; });
}

}  // namespace

ErrorCode code_of_pull_failure(std::string_view words) {
  if (holds_any(words, {"no space left", "quota exceeded"})) return ErrorCode::kExhausted;
  // First: some registries refuse for a while with words such as "denied: … toomanyrequests".
  if (holds_any(words, {"toomanyrequests", "too many requests", "Too Many Requests", "HTTP 429"})) {
    return ErrorCode::kUnavailable;
  }
  if (holds_any(words, {"denied", "unauthorized", "authentication required", "no basic auth"})) {
    return ErrorCode::kDenied;
  }
  if (holds_any(words, {"not found", "manifest unknown", "no matching manifest", "does not exist",
                        "No such image"})) {
    return ErrorCode::kNotFound;
  }
  if (holds_any(words, {"no such host", "connection refused", "connection reset", "timeout", "Timeout", "EOF",
                        "deadline exceeded", "unreachable", "unexpected HTTP status", "temporary failure",
                        "server misbehaving", "request canceled"})) {
    return ErrorCode::kUnavailable;
  }
  return ErrorCode::kInternal;
}

PullStream::PullStream() : lines_([this](std::string_view line) { read(line); }) {}

void PullStream::read(std::string_view line) {
  const decode::PullLine said = decode::pull_line(line);
  if (!said.error.empty()) throw Error(code_of_pull_failure(said.error), said.error);
  if (said.layer.empty() || (layers_.size() >= kMaxLayers && !layers_.contains(said.layer))) return;
  if (said.status == "Downloading") {
    Layer& layer = layers_[said.layer];
    layer.done = std::clamp<std::int64_t>(said.current, 0, kMaxLayer);
    layer.total = std::clamp<std::int64_t>(said.total, layer.done, kMaxLayer);
  } else if (said.status == "Download complete" || said.status == "Pull complete") {
    Layer& layer = layers_[said.layer];
    layer.done = layer.total;
  }
}

PullProgress PullStream::progress() const {
  PullProgress sum;
  for (const auto& [id, layer] : layers_) {
    sum.done_bytes += layer.done;
    sum.total_bytes += layer.total;
  }
  return sum;
}

}  // namespace hivemind::agent

#include "hub/broker/output.h"

#include <algorithm>

#include "common/log.h"

namespace hivemind::hub {

void BrokerOutput::add(std::string_view bytes, Clock::time_point now) {
  for (const char c : bytes) {
    if (c == '\n') {
      line(now);
    } else if (pending_.size() < kMaxLine) {
      pending_ += c;
    }
  }
}

namespace {

// Both are on purpose: its user is the hub's (see broker_configuration), and all nodes may read blobs.
bool is_expected(const std::string& text) {
  return text.find("run as root") != std::string::npos ||
         (text.find("ACL pattern") != std::string::npos && text.find("/blobs/+'") != std::string::npos);
}

}  // namespace

void BrokerOutput::line(Clock::time_point now) {
  // Client ids are in these lines, and anybody may choose one.
  std::erase_if(pending_, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  const std::string text = std::move(pending_);
  pending_.clear();
  if (text.empty()) return;
  const bool error = text.starts_with("Error");
  if (error) last_error_ = text;
  if (now - window_start_ >= kWindow) {
    if (left_out_ > 0) log::warn("broker: {} more lines in the last {} s", left_out_, kWindow.count());
    window_start_ = now;
    lines_ = 0;
    left_out_ = 0;
  }
  if (++lines_ > kMaxLines) {
    ++left_out_;
  } else if (error) {
    log::error("broker: {}", text);
  } else if (text.starts_with("Warning") && !is_expected(text)) {
    log::warn("broker: {}", text);
  } else {
    log::debug("broker: {}", text);
  }
}

}  // namespace hivemind::hub

#include "agent/trust/trusted_key.h"

#include <algorithm>
#include <string>

#include "common/error.h"
#include "common/file.h"
#include "common/log.h"

namespace hivemind::agent {
namespace {

std::vector<VerifyKey> keys_of(std::string_view text) {
  std::vector<VerifyKey> keys;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    keys.push_back(VerifyKey::parse(line));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return keys;
}

std::string text_of(const std::vector<VerifyKey>& keys) {
  std::string text;
  for (const VerifyKey& key : keys) text += key.text();
  return text;
}

}  // namespace

TrustedKey::TrustedKey(const VerifyKey& given, std::filesystem::path file, std::filesystem::path pinned)
    : file_(std::move(file)), pinned_(std::move(pinned)), keys_{given} {
  load();
  refresh_pinned();
}

void TrustedKey::load() {
  try {
    if (!std::filesystem::exists(file_)) return;
    std::vector<VerifyKey> known = keys_of(read_file(file_));
    if (std::ranges::find(known, keys_.front()) != known.end()) keys_ = std::move(known);
  } catch (const Error& error) {
    log::error("the hub's keys in '{}' cannot be read: {}", file_.string(), error.what());
  }
}

// The file of keys decides, so a crash before this, or a disk that refuses it, loses nothing.
void TrustedKey::refresh_pinned() const {
  if (pinned_.empty() || keys_.size() < 2) return;
  try {
    if (read_file(pinned_) != key().text()) write_file_durably(pinned_, key().text(), 0600);
  } catch (const Error& error) {
    log::warn("the hub's newest key is not in '{}': {}", pinned_.string(), error.what());
  }
}

bool TrustedKey::follow(std::string_view kind, std::string_view envelope) {
  const std::vector<VerifyKey> newer = successors(key(), kind, envelope);
  if (newer.empty()) return false;
  std::vector<VerifyKey> keys = keys_;
  keys.insert(keys.end(), newer.begin(), newer.end());
  write_file_durably(file_, text_of(keys), 0600);
  log::info("the hub's key is '{}' from now on, in place of '{}'", keys.back().id(), key().id());
  keys_ = std::move(keys);
  refresh_pinned();
  return true;
}

bool TrustedKey::has_left_behind(std::string_view kind, std::string_view envelope) const {
  return std::any_of(keys_.begin(), keys_.end() - 1,
                     [&](const VerifyKey& one) { return is_sealed_by(one, kind, envelope); });
}

VerifyKey TrustedKey::key_of_stored(std::string_view kind, std::string_view envelope) const {
  for (auto key = keys_.rbegin(); key != keys_.rend(); ++key) {
    if (is_sealed_by(*key, kind, envelope)) return *key;
  }
  const std::vector<VerifyKey> newer = successors(key(), kind, envelope);
  return newer.empty() ? key() : newer.back();
}

}  // namespace hivemind::agent

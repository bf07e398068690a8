#include "hub/secrets/sops.h"

#include <algorithm>

#include "common/digest.h"
#include "common/error.h"
#include "common/secret_text.h"
#include "hub/process/program.h"

namespace hivemind::hub {
namespace {

constexpr std::size_t kMostOutput = 1u << 20;
constexpr std::size_t kMostShown = 300;
constexpr std::size_t kMostRemembered = 256;

std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text.size() > kMostShown ? text.substr(0, kMostShown) + "…" : text;
}

}  // namespace

Sops::~Sops() {
  for (auto& [digest, text] : decrypted_) wipe(text);
}

std::string Sops::decrypt_env_file(const std::string& text) const {
  const std::string digest = sha256_hex(text);
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = decrypted_.find(digest); known != decrypted_.end()) return known->second;
  }
  std::string decrypted = run(text);
  const std::lock_guard lock(mutex_);
  if (decrypted_.size() >= kMostRemembered) {
    wipe(decrypted_.begin()->second);
    decrypted_.erase(decrypted_.begin());
  }
  decrypted_.emplace(digest, decrypted);
  return decrypted;
}

std::string Sops::run(const std::string& text) const {
  Ended ended = run_program(
      {.words = {program_, "--decrypt", "--input-type=dotenv", "--output-type=dotenv", "/dev/stdin"},
       .environment = own_environment(),
       .input = text,
       .file = std::nullopt,
       .most_output = kMostOutput,
       .limit = limit_});
  if (ended.exit_code == 0) return std::move(ended.out);
  wipe(ended.out);
  throw Error(ErrorCode::kDenied, "sops: it ends with code {}: {}", ended.exit_code,
              one_line(std::move(ended.err)));
}

}  // namespace hivemind::hub

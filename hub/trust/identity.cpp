#include "hub/trust/identity.h"

#include <charconv>
#include <sstream>

#include "common/defaults.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"
#include "common/log.h"
#include "common/private_file.h"

namespace hivemind::hub {
namespace {

constexpr const char* kSigningKeyFile = "signing.key";
constexpr std::string_view kNoSignature = "-";

bool holds(const std::filesystem::path& file, const std::string& content) {
  try {
    return read_file(file) == content;
  } catch (const Error&) {
    return false;  // absent or unreadable: it is written anew, and that tells what is wrong
  }
}

// "<Base64 of the public key> <Unix time in ms> <Base64 of the signature by the key before it, or '-'>"
std::string line_of(const KeyRecord& record, std::string_view signature) {
  return fmt::format("{} {} {}\n", to_base64(record.key.bytes()), record.made_at_ms,
                     signature.empty() ? std::string(kNoSignature) : to_base64(signature));
}

std::string file_of(const Signer& signer, const std::vector<KeyRecord>& history) {
  std::string text = signer.key().secret_text();
  const std::size_t without = history.size() - signer.successions().size();
  for (std::size_t i = 0; i < history.size(); ++i)
    text += line_of(history[i], i < without ? "" : signer.successions()[i - without].signature);
  return text;
}

struct Line {
  KeyRecord record;
  std::string signature;
};

Line parse_line(const std::string& text) {
  std::istringstream words(text);
  std::string key, at, signature;
  words >> key >> at >> signature;
  Line line;
  line.record.key = VerifyKey::from_bytes(from_base64(key));
  std::from_chars(at.data(), at.data() + at.size(), line.record.made_at_ms);
  if (signature != kNoSignature) line.signature = from_base64(signature);
  return line;
}

}  // namespace

Identity::Identity(const std::filesystem::path& directory, std::int64_t now_ms)
    : directory_(directory), signer_(SigningKey::generate()) {
  const std::filesystem::path file = directory / kSigningKeyFile;
  if (!std::filesystem::exists(file)) {
    history_ = {{signer_.key().verify_key(), now_ms}};
    write_file_durably(file, file_of(signer_, history_), 0600);
  } else {
    const SecretText text = read_private_file(file, "signing key");
    try {
      load(text.text());
    } catch (const Error&) {  // its words may quote what is a key
      throw Error(ErrorCode::kCorrupt,
                  "'{}' holds no signing key (restore it from a backup, or remove it to make a new "
                  "one, which every node must then be given)",
                  file.string());
    }
  }
  show_public_key();
}

void Identity::load(const std::string& text) {
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  SigningKey key = SigningKey::parse(line);
  wipe(line);
  Successions successions;
  while (std::getline(lines, line)) {
    Line one = parse_line(line);
    history_.push_back(one.record);
    if (!one.signature.empty()) successions.push_back({one.record.key, std::move(one.signature)});
  }
  if (history_.empty()) history_.push_back({key.verify_key(), 0});  // a file of before there were rotations
  if (history_.back().key != key.verify_key())
    throw Error(ErrorCode::kCorrupt, "the key is not the newest one");
  signer_ = Signer(std::move(key), std::move(successions));
}

void Identity::show_public_key() const {
  const std::filesystem::path file = directory_ / defaults::kPublicKeyFile;
  const std::string text = key().verify_key().text();
  if (!holds(file, text)) write_file_durably(file, text, 0644);
}

void Identity::rotate(std::int64_t now_ms) {
  SigningKey next = SigningKey::generate();
  Successions successions = signer_.successions();
  successions.push_back(succeed(key(), next.verify_key()));
  std::vector<KeyRecord> history = history_;
  history.push_back({next.verify_key(), now_ms});
  Signer signer(std::move(next), std::move(successions));
  write_file_durably(directory_ / kSigningKeyFile, file_of(signer, history), 0600);
  signer_ = std::move(signer);
  history_ = std::move(history);
  try {
    show_public_key();
  } catch (const Error& error) {
    log::warn("the hub's new public key is not shown: {} (the next start writes it)", error.what());
  }
}

}  // namespace hivemind::hub

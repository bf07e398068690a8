#include "hub/trust/identity.h"

#include "common/defaults.h"
#include "common/error.h"
#include "common/file.h"

namespace hivemind::hub {
namespace {

constexpr const char* kSigningKeyFile = "signing.key";

bool holds(const std::filesystem::path& file, const std::string& content) {
  try {
    return read_file(file) == content;
  } catch (const Error&) {
    return false;  // absent or unreadable: it is written anew, and that tells what is wrong
  }
}

}  // namespace

Identity::Identity(const std::filesystem::path& directory)
    : key_(SigningKey::load_or_create(directory / kSigningKeyFile)) {
  const std::filesystem::path public_key = directory / defaults::kPublicKeyFile;
  const std::string text = key_.verify_key().text();
  if (!holds(public_key, text)) write_file_durably(public_key, text, 0644);
}

}  // namespace hivemind::hub

#include "agent/apply/contents.h"

#include "common/digest.h"
#include "common/error.h"

namespace hivemind::agent {

const std::string& content_of(const std::string& sha256, const std::string& path,
                              const std::map<std::string, std::string>& contents) {
  const auto found = contents.find(sha256);
  if (found == contents.end()) {
    throw Error(ErrorCode::kCorrupt, "content '{}' of file '{}' is not in the manifest", sha256, path);
  }
  if (const std::string digest = sha256_hex(found->second); digest != sha256) {
    throw Error(ErrorCode::kCorrupt, "file '{}': expected SHA-256 '{}', found '{}'", path, sha256, digest);
  }
  return found->second;
}

}  // namespace hivemind::agent

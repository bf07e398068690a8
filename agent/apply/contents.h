#pragma once

#include <map>
#include <string>

namespace hivemind::agent {

// What a file of the manifest holds, by its SHA-256. Throws kCorrupt when it is missing or has another
// digest; path names the file in the message.
const std::string& content_of(const std::string& sha256, const std::string& path,
                              const std::map<std::string, std::string>& contents);

}  // namespace hivemind::agent

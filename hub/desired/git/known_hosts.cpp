#include "hub/desired/git/known_hosts.h"

#include <algorithm>
#include <vector>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"

namespace hivemind::hub::git {
namespace {

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t start = text.find_first_not_of(separators);
    if (start == std::string_view::npos) return parts;
    text.remove_prefix(start);
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return result;
}

std::string bytes_of(std::string_view base64) {
  try {
    return from_base64(base64);
  } catch (const Error&) {
    return "";  // a line that cannot be read matches nothing
  }
}

// '*' and '?' as in a shell. Goes back to the last '*' only, so the time is bounded by the product of the
// lengths.
bool matches_pattern(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t after_star = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after_star = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++after_star;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

// "|1|<salt>|<HMAC-SHA1 of the name with that salt>", as ssh-keygen -H writes them.
bool matches_hash(std::string_view field, const std::string& name) {
  const std::vector<std::string_view> parts = split(field, "|");
  if (parts.size() != 3 || parts[0] != "1") return false;
  const std::string salt = bytes_of(parts[1]);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (HMAC(EVP_sha1(), salt.data(), static_cast<int>(salt.size()),
           reinterpret_cast<const unsigned char*>(name.data()), name.size(), digest, &length) == nullptr) {
    return false;
  }
  return !salt.empty() &&
         bytes_of(parts[2]) == std::string_view(reinterpret_cast<const char*>(digest), length);
}

bool matches_host(std::string_view field, const std::string& name) {
  if (field.starts_with('|')) return matches_hash(field, name);
  bool matched = false;
  for (std::string_view pattern : split(field, ",")) {
    const bool negated = pattern.starts_with('!');
    if (negated) pattern.remove_prefix(1);
    if (!matches_pattern(lower(pattern), name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

// The type's name is the first field of the key: four bytes of length, then the text.
std::string_view type_of(std::string_view key) {
  if (key.size() < 4) return "";
  std::size_t length = 0;
  for (int i = 0; i < 4; ++i)
    length = length << 8 | static_cast<unsigned char>(key[static_cast<std::size_t>(i)]);
  return length <= key.size() - 4 ? key.substr(4, length) : "";
}

std::string name_of(const HostKey& key) {
  const std::string host = lower(key.host);
  return key.port == 22 ? host : fmt::format("[{}]:{}", host, key.port);
}

std::string remedy(const std::filesystem::path& file, const HostKey& key) {
  return fmt::format("compare the fingerprint, then: ssh-keyscan -p {} {} >> {}", key.port, key.host,
                     file.string());
}

std::string fingerprint(std::string_view key) {
  const std::string digest = sha256_hex(key);
  std::string bytes;
  for (std::size_t i = 0; i < digest.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(digest.substr(i, 2), nullptr, 16));
  }
  std::string text = to_base64(bytes);
  return "SHA256:" + text.substr(0, text.find('='));
}

std::string content_of(const std::filesystem::path& file) {
  try {
    return read_file(file);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kNotFound) return "";
    throw Error(ErrorCode::kDenied, "known hosts: {}", error.what());
  }
}

}  // namespace

HostKeyMatch match_host_key(std::string_view known_hosts, const HostKey& key) {
  const std::string name = name_of(key);
  HostKeyMatch result = HostKeyMatch::kUnknown;
  for (const std::string_view line : split(known_hosts, "\r\n")) {
    std::vector<std::string_view> fields = split(line, " \t");
    if (fields.empty() || fields[0].starts_with('#')) continue;
    const bool revoked = fields[0] == "@revoked";
    if (fields[0].starts_with('@') && !revoked) continue;
    if (revoked) fields.erase(fields.begin());
    if (fields.size() < 3 || !matches_host(fields[0], name)) continue;
    const bool same = bytes_of(fields[2]) == key.key;
    if (revoked) {
      if (same) return HostKeyMatch::kRevoked;
      continue;
    }
    if (same) {
      result = HostKeyMatch::kKnown;  // a later line may still revoke it
    } else if (result != HostKeyMatch::kKnown && fields[1] == type_of(key.key)) {
      result = HostKeyMatch::kChanged;
    } else if (result == HostKeyMatch::kUnknown) {
      result = HostKeyMatch::kOtherType;
    }
  }
  return result;
}

void require_known_host(const std::filesystem::path& file, const HostKey& key) {
  const HostKeyMatch match = match_host_key(content_of(file), key);
  const std::string subject =
      fmt::format("ssh host '{}' with {} key {}", name_of(key), type_of(key.key), fingerprint(key.key));
  switch (match) {
    case HostKeyMatch::kKnown:
      return;
    case HostKeyMatch::kUnknown:
      throw Error(ErrorCode::kDenied, "{} is not in '{}' ({})", subject, file.string(), remedy(file, key));
    case HostKeyMatch::kOtherType:
      throw Error(ErrorCode::kDenied, "{} is known in '{}' by keys of other types only ({})", subject,
                  file.string(), remedy(file, key));
    case HostKeyMatch::kChanged:
      throw Error(ErrorCode::kDenied,
                  "{} has another key in '{}' (somebody may be in the middle; if the host was set up anew, "
                  "remove the old "
                  "line with 'ssh-keygen -R' and add the new key)",
                  subject, file.string());
    case HostKeyMatch::kRevoked:
      throw Error(ErrorCode::kDenied, "{} is revoked in '{}' (do not use this host)", subject, file.string());
  }
}

}  // namespace hivemind::hub::git

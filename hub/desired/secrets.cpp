#include "hub/desired/secrets.h"

#include <algorithm>

#include "common/digest.h"
#include "common/error.h"
#include "common/ids.h"

namespace hivemind::hub {
namespace {

constexpr std::string_view kOpening = "@{hivemind-secret:";
constexpr std::size_t kIdLength = 32;
constexpr std::size_t kPlaceholderLength = kOpening.size() + kIdLength + 1;

bool is_id(std::string_view text) {
  return text.size() == kIdLength && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool starts_with_placeholder(std::string_view text) {
  return text.size() >= kPlaceholderLength && text.starts_with(kOpening) &&
         is_id(text.substr(kOpening.size(), kIdLength)) && text[kPlaceholderLength - 1] == '}';
}

}  // namespace

bool is_secret_name(std::string_view text) {
  return is_compose_key(text);
}

std::string secret_placeholder(std::string_view id) {
  return std::string(kOpening) + std::string(id) + "}";
}

bool has_secret_placeholder(std::string_view text) {
  return text.find(kOpening) != std::string_view::npos;
}

std::set<std::string> placeholder_ids(std::string_view text) {
  std::set<std::string> ids;
  for (std::size_t at = 0; (at = text.find(kOpening, at)) != std::string_view::npos; ++at) {
    if (starts_with_placeholder(text.substr(at))) ids.emplace(text.substr(at + kOpening.size(), kIdLength));
  }
  return ids;
}

std::optional<std::string> as_placeholder(std::string_view text) {
  if (text.size() != kPlaceholderLength || !starts_with_placeholder(text)) return std::nullopt;
  return std::string(text.substr(kOpening.size(), kIdLength));
}

std::set<std::string> secret_ids(const v1::Release& release) {
  std::set<std::string> ids;
  for (const v1::Service& service : release.services()) {
    ids.insert(service.secrets().begin(), service.secrets().end());
    for (const v1::FileMount& mount : service.file_mounts()) {
      for (const v1::FileEntry& entry : mount.entries()) {
        if (!entry.secret().empty()) ids.insert(entry.secret());
      }
    }
  }
  return ids;
}

std::optional<std::string> AssumedSecrets::find(std::string_view name, std::string_view,
                                                const NodeIdentity&) const {
  return id(name, {});
}

std::string AssumedSecrets::id(std::string_view name, std::string_view) const {
  return sha256_hex("assumed secret\n" + std::string(name)).substr(0, kIdLength);
}

SecretPtr AssumedSecrets::open(std::string_view name, std::string_view sealed) const {
  if (!sealed.starts_with(kSealedPrefix)) {
    throw Error(ErrorCode::kInvalid,
                "it does not begin with '{}' (make the line with 'hivemind secret seal')", kSealedPrefix);
  }
  from_base64(sealed.substr(kSealedPrefix.size()));
  return std::make_shared<const Secret>(std::string(name), "");
}

// The names are readable, and nothing else matters here.
std::string AssumedSecrets::decrypt_env_file(const std::string& text) const {
  std::string names;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    const std::size_t equals = line.find('=');
    const bool counts =
        equals != std::string_view::npos && !line.starts_with('#') && !line.starts_with("sops_");
    if (counts) names += std::string(line.substr(0, equals + 1)) + "assumed";
    names += '\n';
    at = end + 1;
  }
  return names;
}

std::string sealed_content(std::string_view name, std::string_view value) {
  return std::string(name) + '\0' + std::string(value);
}

SecretPtr secret_of(std::string_view name, std::string_view content) {
  const std::size_t end = content.find('\0');
  if (end == std::string_view::npos || content.substr(0, end) != name) {
    throw Error(ErrorCode::kInvalid, "it was sealed under another name (the name is part of what is sealed)");
  }
  return std::make_shared<const Secret>(std::string(name), std::string(content.substr(end + 1)));
}

}  // namespace hivemind::hub

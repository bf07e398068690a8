#include "agent/plan/reference.h"

#include <algorithm>

#include "common/error.h"

namespace hivemind::agent {

namespace {

constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxTag = 128;
constexpr std::size_t kMaxDigest = 256;

bool is_alphanumeric(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool consists_of(std::string_view text, std::string_view others) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [others](char c) {
    return is_alphanumeric(static_cast<unsigned char>(c)) || others.find(c) != std::string_view::npos;
  });
}

// A component of only dots would lead the request to another path of the engine.
bool is_component(std::string_view text, std::string_view others) {
  return consists_of(text, others) && is_alphanumeric(static_cast<unsigned char>(text.front()));
}

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxName) return false;
  bool is_first = true;
  for (;;) {
    const auto slash = name.find('/');
    // Only the first of several components can be a host with a port.
    const bool may_be_host = is_first && slash != std::string_view::npos;
    if (!is_component(name.substr(0, slash), may_be_host ? "._-:" : "._-")) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
    is_first = false;
  }
}

bool is_tag(std::string_view tag) {
  return tag.size() <= kMaxTag && consists_of(tag, "._-") && tag.front() != '.' && tag.front() != '-';
}

bool is_digest(std::string_view digest) {
  const auto colon = digest.find(':');
  return digest.size() <= kMaxDigest && colon != std::string_view::npos &&
         is_component(digest.substr(0, colon), "._+-") && consists_of(digest.substr(colon + 1), "");
}

}  // namespace

ImageReference ImageReference::parse(std::string_view text) {
  ImageReference reference;
  std::string_view rest = text;
  bool is_valid = true;
  if (const auto at = rest.find('@'); at != std::string_view::npos) {
    reference.digest = rest.substr(at + 1);
    rest = rest.substr(0, at);
    is_valid = is_digest(reference.digest);
  }
  const auto slash = rest.rfind('/');
  const auto colon = rest.rfind(':');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    reference.tag = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
    is_valid = is_valid && is_tag(reference.tag);
  }
  reference.name = rest;
  if (!is_valid || !is_name(rest)) {
    throw Error(ErrorCode::kInvalid,
                "'{}' is no image reference (expected '[HOST[:PORT]/]NAME[:TAG][@DIGEST]')",
                text.substr(0, 300));
  }
  return reference;
}

// A first part that could be no path component is a host, as the engine decides it (distribution/reference,
// splitDockerDomain).
std::string ImageReference::registry() const {
  constexpr const char* kDockerHub = "docker.io";
  const auto slash = name.find('/');
  if (slash == std::string::npos) return kDockerHub;
  std::string host = name.substr(0, slash);
  const bool is_host = host.find_first_of(".:") != std::string::npos || host == "localhost" ||
                       std::ranges::any_of(host, [](char c) { return c >= 'A' && c <= 'Z'; });
  return !is_host || host == "index.docker.io" || host == "registry-1.docker.io" ? kDockerHub : host;
}

std::string ImageReference::listed() const {
  std::string_view short_name = name;
  if (registry() == "docker.io") {
    const auto slash = name.find('/');
    const bool has_host = slash != std::string::npos && name.find_first_of(".:") < slash;
    if (has_host) short_name.remove_prefix(slash + 1);
    constexpr std::string_view kOfficial = "library/";
    if (short_name.starts_with(kOfficial)) short_name.remove_prefix(kOfficial.size());
  }
  return fmt::format("{}{}{}", short_name, digest.empty() ? ":" : "@", pull_tag());
}

std::string ImageReference::lookup() const {
  if (!digest.empty()) return name + "@" + digest;
  return tag.empty() ? name : name + ":" + tag;
}

std::string ImageReference::pull_tag() const {
  if (!digest.empty()) return digest;
  return tag.empty() ? "latest" : tag;
}

}  // namespace hivemind::agent

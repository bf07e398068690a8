#include "agent/plan/image_rule.h"

#include <algorithm>
#include <optional>

#include "agent/plan/reference.h"
#include "common/error.h"

namespace hivemind::agent {
namespace {

bool is_hex(std::string_view text, std::size_t length) {
  return text.size() == length && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Engines take these for ids of images that are there, before they take them for names.
bool is_id(std::string_view text) {
  return text.starts_with("sha256:") || is_hex(text, 64);
}

std::optional<ImageReference> parsed(std::string_view text) {
  if (is_id(text)) return std::nullopt;
  try {
    return ImageReference::parse(text);
  } catch (const Error&) {
    return std::nullopt;
  }
}

// "registry.example.org:5000/team/app", "docker.io/library/nginx"
std::string full_name(const ImageReference& reference) {
  const std::string registry = reference.registry();
  const std::size_t slash = reference.name.find('/');
  const std::string first = reference.name.substr(0, slash);
  const bool has_host =
      slash != std::string::npos && (first == registry || first.find('.') != std::string::npos);
  const std::string path = has_host ? reference.name.substr(slash + 1) : reference.name;
  const bool is_official = registry == "docker.io" && path.find('/') == std::string::npos;
  return registry + (is_official ? "/library/" : "/") + path;
}

}  // namespace

bool is_from(std::string_view text, const std::vector<std::string>& registries) {
  const auto reference = parsed(text);
  if (!reference) return false;
  const std::string name = full_name(*reference);
  return std::ranges::any_of(registries, [&](const std::string& allowed) {
    return name == allowed || name.starts_with(allowed + "/");
  });
}

bool has_digest(std::string_view text) {
  const auto reference = parsed(text);
  constexpr std::string_view kAlgorithm = "sha256:";
  return reference && reference->digest.starts_with(kAlgorithm) &&
         is_hex(std::string_view(reference->digest).substr(kAlgorithm.size()), 64);
}

}  // namespace hivemind::agent

#include "hub/registry/image_name.h"

#include "common/error.h"
#include "common/loopback.h"

namespace hivemind::hub::registry {
namespace {

constexpr std::string_view kDockerHub = "docker.io";

// As the reference decides it: a first part that could be no path component.
bool names_registry(std::string_view first) {
  return first.find_first_of(".:") != std::string_view::npos || first == "localhost";
}

std::string_view without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const std::size_t bracket = host.rfind(']');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && bracket > colon)) return host;
  return host.substr(0, colon);
}

}  // namespace

ImageName ImageName::parse(std::string_view reference) {
  ImageName name;
  std::string_view rest = reference;
  if (rest.find('@') != std::string_view::npos) {
    throw Error(ErrorCode::kInvalid, "'{}' has a digest already", reference);
  }
  const std::size_t slash = rest.find('/');
  name.registry = kDockerHub;
  if (slash != std::string_view::npos && names_registry(rest.substr(0, slash))) {
    name.registry = canonical_registry(rest.substr(0, slash));
    rest.remove_prefix(slash + 1);
  }
  const std::size_t colon = rest.rfind(':');
  name.tag = colon == std::string_view::npos ? "latest" : rest.substr(colon + 1);
  name.repository = rest.substr(0, colon);
  if (name.registry == kDockerHub && name.repository.find('/') == std::string::npos) {
    name.repository.insert(0, "library/");
  }
  if (name.repository.empty() || name.tag.empty() || name.tag.find('/') != std::string::npos) {
    throw Error(ErrorCode::kInvalid, "'{}' is no image reference", reference);
  }
  return name;
}

std::string ImageName::host() const {
  return registry == kDockerHub ? "registry-1.docker.io" : registry;
}

std::string canonical_registry(std::string_view host) {
  if (host == "index.docker.io" || host == "registry-1.docker.io") host = kDockerHub;
  return std::string(host);
}

bool is_loopback(std::string_view host) {
  return hivemind::is_loopback(without_port(host));
}

}  // namespace hivemind::hub::registry

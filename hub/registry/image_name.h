#pragma once

#include <string>
#include <string_view>

namespace hivemind::hub::registry {

// An image reference with all that it leaves unsaid: "nginx" is "docker.io/library/nginx:latest".
struct ImageName {
  std::string registry;    // "docker.io", "127.0.0.1:5000"
  std::string repository;  // "library/nginx"
  std::string tag;

  // Takes what is_image_reference() takes, but no digest. Throws kInvalid.
  static ImageName parse(std::string_view reference);

  // Where the registry answers; another name for Docker Hub alone.
  std::string host() const;

  bool operator==(const ImageName&) const = default;
};

// The one name of a registry that has several: those of Docker Hub.
std::string canonical_registry(std::string_view host);

// What never leaves this machine: localhost, 127.0.0.0/8 and [::1], with any port.
bool is_loopback(std::string_view host);

}  // namespace hivemind::hub::registry

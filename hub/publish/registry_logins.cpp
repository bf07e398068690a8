#include "hub/publish/registry_logins.h"

#include <algorithm>
#include <iterator>

#include "common/error.h"
#include "hub/registry/image_name.h"

namespace hivemind::hub {
namespace {

using registry::ImageName;
using registry::Login;

// Empty for what is no reference: the compiler has said so.
std::string registry_of(const std::string& image) {
  try {
    return ImageName::parse(std::string_view(image).substr(0, image.find('@'))).registry;
  } catch (const Error&) {
    return {};
  }
}

v1::RegistryLogin message_of(const std::string& registry, const Login& login) {
  v1::RegistryLogin message;
  message.set_registry(registry);
  message.set_username(login.username);
  message.set_identity_token(login.identity_token);
  if (login.identity_token.empty()) message.set_password(login.password);
  return message;
}

std::set<std::string> lines_of(std::string_view text) {
  std::set<std::string> lines;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    lines.emplace(line);
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return lines;
}

}  // namespace

std::set<std::string> registries_of(const NodeReleases& releases) {
  std::set<std::string> registries;
  for (const auto& [stack, release] : releases) {
    for (const v1::Service& service : release->release.services())
      registries.insert(registry_of(service.image()));
  }
  registries.erase("");
  return registries;
}

std::vector<v1::RegistryLogin> RegistryLogins::used_by(const NodeReleases& releases) const {
  std::vector<v1::RegistryLogin> logins;
  for (const std::string& registry : registries_of(releases)) {
    if (const Login* login = credentials_.find(registry)) logins.push_back(message_of(registry, *login));
  }
  return logins;
}

std::string RegistryLogins::fingerprint(const Digest& keyed) const {
  std::string text;
  for (const auto& [registry, login] : credentials_.all()) {
    text += registry + " " + keyed(message_of(registry, login).SerializeAsString()) + "\n";
  }
  return text;
}

std::vector<v1::RegistryLogin> sealed_to(const SealKey& key, std::vector<v1::RegistryLogin> logins) {
  for (v1::RegistryLogin& login : logins) {
    const std::string registry = login.registry();
    login.clear_registry();
    const std::string sealed = key.seal(login.SerializeAsString());
    login.Clear();
    login.set_registry(registry);
    login.set_sealed(sealed);
  }
  return logins;
}

std::set<std::string> changed_registries(const std::string& before, const std::string& after) {
  const std::set<std::string> had = lines_of(before), has = lines_of(after);
  std::set<std::string> differing;
  std::ranges::set_symmetric_difference(had, has, std::inserter(differing, differing.end()));
  std::set<std::string> registries;
  for (const std::string& line : differing) registries.insert(line.substr(0, line.find(' ')));
  return registries;
}

}  // namespace hivemind::hub

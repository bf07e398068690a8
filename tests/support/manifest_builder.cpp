#include "tests/support/manifest_builder.h"

#include <set>

#include "common/digest.h"

namespace hivemind::tests {

v1::Service service(const std::string& name, int version) {
  v1::Service service;
  service.set_name(name);
  service.set_image(name + ":" + std::to_string(version));
  service.set_engine_body(R"({"Image":")" + service.image() + R"("})");
  service.set_config_hash(name + "-" + std::to_string(version));
  service.set_replicas(1);
  return service;
}

v1::Service service(const std::string& name) {
  return service(name, 1);
}

v1::Service with_body(v1::Service service, const std::string& body) {
  service.set_engine_body(body);
  return service;
}

v1::Service with_dependency(v1::Service service, const std::string& on, v1::Dependency::Condition condition) {
  v1::Dependency& dependency = *service.add_depends_on();
  dependency.set_service(on);
  dependency.set_condition(condition);
  dependency.set_required(true);
  return service;
}

v1::Service with_network(v1::Service service, const std::string& network) {
  v1::Endpoint& endpoint = *service.add_endpoints();
  endpoint.set_network(network);
  endpoint.set_engine_body("{}");
  if (service.endpoints_size() == 1) {
    service.set_engine_body(R"({"Image":")" + service.image() + R"(","HostConfig":{"NetworkMode":")" +
                            network + R"("}})");
  }
  return service;
}

v1::Service with_replicas(v1::Service service, unsigned replicas) {
  service.set_replicas(replicas);
  return service;
}

v1::Service with_policy(v1::Service service, v1::PullPolicy policy) {
  service.set_pull_policy(policy);
  return service;
}

v1::Release release(const std::string& stack, const std::vector<v1::Service>& services) {
  v1::Release release;
  release.set_stack(stack);
  release.set_revision(std::string(40, 'a'));
  release.set_engine_api("1.41");
  std::string content = stack;
  std::set<std::string> networks;
  for (const v1::Service& service : services) {
    *release.add_services() = service;
    content += service.config_hash() + std::to_string(service.replicas());
    for (const v1::Endpoint& endpoint : service.endpoints()) networks.insert(endpoint.network());
  }
  for (const std::string& name : networks) {
    if (!name.starts_with(stack + "_")) continue;
    v1::Network& network = *release.add_networks();
    network.set_key(name.substr(stack.size() + 1));
    network.set_name(name);
    network.set_engine_body("{}");
    network.set_config_hash(name + "-1");
  }
  release.set_digest("sha256:" + sha256_hex(content));
  return release;
}

v1::Manifest manifest(std::uint64_t generation, const std::vector<v1::Release>& releases) {
  v1::Manifest manifest;
  manifest.set_node(kNode);
  manifest.set_generation(generation);
  manifest.set_revision(std::string(40, 'b'));
  for (const v1::Release& release : releases) *manifest.add_releases() = release;
  return manifest;
}

agent::Desired desired(const std::vector<v1::Release>& releases, std::uint64_t generation) {
  return agent::desired_from(manifest(generation, releases));
}

}  // namespace hivemind::tests

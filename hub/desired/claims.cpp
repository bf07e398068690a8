#include "hub/desired/claims.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hivemind::hub {
namespace {

using Json = nlohmann::json;

const Json* member(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found == object.end() ? nullptr : &*found;
}

std::string text_member(const Json& object, const char* key) {
  const Json* value = member(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

bool is_number(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// target: the container's side, such as "80/tcp"; it names the protocol of both sides.
void add_bindings(const std::string& service, const std::string& target, const Json& bindings,
                  std::vector<PortClaim>& out) {
  const std::string protocol = target.substr(std::min(target.find('/'), target.size()));
  for (const Json& binding : bindings) {
    const std::string port = text_member(binding, "HostPort");
    if (!is_number(port) || port == "0") continue;
    out.push_back({service, text_member(binding, "HostIp"), port + protocol});
  }
}

void add_ports(const v1::Service& service, std::vector<PortClaim>& out) {
  const Json body = Json::parse(service.engine_body(), nullptr, false);
  const Json* host = member(body, "HostConfig");
  if (host == nullptr || text_member(*host, "NetworkMode") == "host") return;
  const Json* bindings = member(*host, "PortBindings");
  if (bindings == nullptr || !bindings->is_object()) return;
  for (const auto& [target, list] : bindings->items()) {
    if (list.is_array()) add_bindings(service.name(), target, list, out);
  }
}

void add_names(const v1::Release& release, const v1::Service& service, std::vector<NameClaim>& out) {
  if (!service.container_name().empty()) {
    out.push_back({service.name(), service.container_name()});
    return;
  }
  for (std::uint32_t number = 1; number <= service.replicas(); ++number) {
    out.push_back({service.name(), fmt::format("{}-{}-{}", release.stack(), service.name(), number)});
  }
}

bool is_v6(const std::string& address) {
  return address.find(':') != std::string::npos;
}

// An empty address is every one, "0.0.0.0" every IPv4 and "::" every IPv6 one: the engine binds them apart.
bool overlap(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty() || a == b) return true;
  if (is_v6(a) != is_v6(b)) return false;
  const std::string_view any = is_v6(a) ? "::" : "0.0.0.0";
  return a == any || b == any;
}

}  // namespace

Claims claims_of(const CompiledRelease& release) {
  Claims claims;
  for (const v1::Service& service : release.release.services()) {
    if (service.replicas() == 0) continue;
    add_ports(service, claims.ports);
    add_names(release.release, service, claims.names);
  }
  return claims;
}

std::vector<Conflict> ClaimedBy::add(const std::string& stack, const Claims& claims) {
  std::vector<Conflict> conflicts;
  auto ports = ports_;
  auto names = names_;
  for (const PortClaim& claim : claims.ports) {
    std::vector<Owner>& owners = ports[claim.port];
    const auto other =
        std::ranges::find_if(owners, [&](const Owner& o) { return overlap(o.address, claim.address); });
    if (other != owners.end()) {
      conflicts.push_back({claim.service,
                           fmt::format("port '{}' is already published by service '{}' of stack '{}'",
                                       claim.port, other->service, other->stack),
                           "publish another port or address, or select other nodes", other->stack});
    }
    owners.push_back({stack, claim.service, claim.address});
  }
  for (const NameClaim& claim : claims.names) {
    const auto [other, fresh] = names.try_emplace(claim.name, Owner{stack, claim.service, ""});
    if (fresh) continue;
    conflicts.push_back({claim.service,
                         fmt::format("container name '{}' is already taken by service '{}' of stack '{}'",
                                     claim.name, other->second.service, other->second.stack),
                         "use another 'container_name', or none", other->second.stack});
  }
  if (conflicts.empty()) {
    ports_ = std::move(ports);
    names_ = std::move(names);
  }
  return conflicts;
}

}  // namespace hivemind::hub

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hub/desired/compose/suggest.h"
#include "hub/desired/compose/validate.h"

namespace hivemind::hub::compose {
namespace {

void check_dependency(const std::string& name, const Dependency& dependency, const Project& project,
                      Reader& reader) {
  const auto found = project.services.find(name);
  if (found == project.services.end()) {
    const bool inactive = project.inactive.contains(name);
    if (inactive && !dependency.required) return;
    reader.error(dependency.location, "compose.undefined-service",
                 inactive ? fmt::format("depends on service '{}', which its profile leaves out", name)
                          : fmt::format("depends on service '{}', which is not defined", name),
                 inactive ? "write 'required: false', or set COMPOSE_PROFILES"
                          : did_you_mean(name, project.services, "define it, or remove the dependency"));
  } else if (dependency.condition == v1::Dependency::HEALTHY && found->second.healthcheck.disabled) {
    reader.error(dependency.location, "compose.never-healthy",
                 fmt::format("waits for service '{}' to be healthy, whose health check is disabled", name),
                 "wait for 'service_started', or enable the check");
  }
}

// Who shares a namespace of another service, or has a link to it, needs that service's container, and a new
// one with it; who has its volumes keeps them.
void imply(Service& service, const std::string& other, const Location& at, bool restart) {
  if (other.empty()) return;
  const auto [implied, fresh] = service.depends_on.try_emplace(other);
  if (!fresh) return;
  implied->second.location = at;
  implied->second.restart = restart;
}

void check_dependencies(Service& service, const Project& project, Reader& reader) {
  for (const Link& link : service.networks.links) imply(service, link.name, link.written.location, true);
  imply(service, service.network_of(), service.networks.mode.location, true);
  imply(service, service.pid_of(), service.security.pid.location, true);
  imply(service, service.ipc_of(), service.security.ipc.location, true);
  for (const VolumesFrom& from : service.mounts.volumes_from)
    imply(service, from.service, from.written.location, false);
  for (const auto& [name, dependency] : service.depends_on)
    check_dependency(name, dependency, project, reader);
}

// Follows dependencies depth first; each circle is reported once, at the dependency that closes it.
class Circles {
 public:
  Circles(const Project& project, Reader& reader) : project_(project), reader_(reader) {}

  void visit(const std::string& name) {
    const auto found = project_.services.find(name);
    if (found == project_.services.end() || done_.contains(name)) return;
    path_.push_back(name);
    for (const auto& [next, dependency] : found->second.depends_on) {
      const auto start = std::ranges::find(path_, next);
      if (start == path_.end()) {
        visit(next);
        continue;
      }
      std::vector<std::string> circle(start, path_.end());
      circle.push_back(next);
      const Reader::Scope scope = reader_.in_service(name);
      reader_.error(dependency.location, "compose.dependency-cycle",
                    fmt::format("dependencies turn in a circle: '{}'", fmt::join(circle, "' -> '")),
                    "remove one of them");
    }
    path_.pop_back();
    done_.insert(name);
  }

 private:
  const Project& project_;
  Reader& reader_;
  std::vector<std::string> path_;
  std::set<std::string> done_;
};

}  // namespace

void validate_dependencies(Project& project, Reader& reader) {
  for (auto& [name, service] : project.services) {
    const Reader::Scope scope = reader.in_service(name);
    check_dependencies(service, project, reader);
  }
  Circles circles(project, reader);
  for (const auto& [name, service] : project.services) circles.visit(name);
}

}  // namespace hivemind::hub::compose

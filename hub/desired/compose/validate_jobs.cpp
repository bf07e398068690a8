#include <fmt/format.h>

#include "hub/desired/compose/suggest.h"
#include "hub/desired/compose/validate.h"

// The services that run once for an update ('pre' and 'post' of 'x-hivemind'): nothing can need a container
// that does not stand.
namespace hivemind::hub::compose {
namespace {

class Job {
 public:
  Job(std::string_view key, const Text& name, const Project& project, Reader& reader)
      : key_(key), name_(name), project_(project), reader_(reader) {}

  void check() {
    if (name_.value.empty()) return;
    const auto found = project_.services.find(name_.value);
    if (found == project_.services.end()) {
      return reader_.error(
          name_.location, "compose.undefined-service",
          fmt::format("'x-hivemind.{}' names service '{}', which is not defined", key_, name_.value),
          did_you_mean(name_.value, project_.services, "define it, or remove the key"));
    }
    const Service& service = found->second;
    {
      const Reader::Scope scope = reader_.in_service(service.name);
      check_restart(service.lifecycle);
      check_number(service);
      check_name(service);
      check_shares(service);
      check_without_meaning(service);
    }
    for (const auto& [other, one] : project_.services) check_not_needed(one);
  }

 private:
  void refuse(const Location& at, const std::string& what, std::string remedy) {
    reader_.error(at, "compose.one-shot", fmt::format("{}, but 'x-hivemind.{}' runs it once", what, key_),
                  std::move(remedy));
  }

  void check_restart(const Lifecycle& lifecycle) {
    const RestartPolicy policy =
        lifecycle.deploy_restart.value_or(lifecycle.restart.value_or(RestartPolicy{}));
    if (policy.name == "no" || policy.name == "on-failure") return;
    refuse(lifecycle.restart_location.value_or(name_.location),
           fmt::format("the engine restarts it ('{}')", policy.name), "write 'restart: \"no\"'");
  }

  void check_number(const Service& service) {
    const auto& given = service.replicas.scale ? service.replicas.scale : service.replicas.deploy;
    if (!given || given->value == 1) return;
    refuse(given->location, fmt::format("it has {} replicas", given->value), "remove the number");
  }

  // Its container stands beside that of the release before, which may run still.
  void check_name(const Service& service) {
    if (service.image.container_name.value.empty()) return;
    refuse(service.image.container_name.location, "its container has a name of its own",
           "remove 'container_name'");
  }

  void check_shares(const Service& service) {
    const auto check = [&](const std::string& other, const Location& at) {
      if (!other.empty())
        refuse(at, fmt::format("it shares what the container of service '{}' has", other),
               "give it networks and volumes of its own");
    };
    check(service.network_of(), service.networks.mode.location);
    check(service.pid_of(), service.security.pid.location);
    check(service.ipc_of(), service.security.ipc.location);
    for (const VolumesFrom& from : service.mounts.volumes_from) check(from.service, from.written.location);
  }

  void check_without_meaning(const Service& service) {
    for (const auto* hooks : {&service.lifecycle.post_start, &service.lifecycle.pre_stop}) {
      if (!hooks->empty()) refuse(hooks->front().location, "it has hooks", "run their commands in it");
    }
    if (service.soak) refuse(service.soak->location, "it has a soak time", "remove it");
  }

  void check_not_needed(const Service& service) {
    const auto found = service.depends_on.find(name_.value);
    if (found == service.depends_on.end()) return;
    const Reader::Scope scope = reader_.in_service(service.name);
    refuse(found->second.location, fmt::format("depends on service '{}'", name_.value),
           "remove the dependency: 'pre' ends before any service of a new release starts");
  }

  std::string_view key_;
  const Text& name_;
  const Project& project_;
  Reader& reader_;
};

}  // namespace

void validate_jobs(const Project& project, Reader& reader) {
  const Update& update = project.update;
  if (!update.pre.value.empty() && update.pre.value == update.post.value) {
    return reader.error(update.post.location, "compose.one-shot",
                        fmt::format("service '{}' is both 'pre' and 'post'", update.post.value),
                        "write two services; 'extends' spares the repetition");
  }
  Job("pre", update.pre, project, reader).check();
  Job("post", update.post, project, reader).check();
}

}  // namespace hivemind::hub::compose

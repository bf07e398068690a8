#include "tests/unit/plan/changes.h"

#include <random>
#include <set>

#include "tests/support/manifest_builder.h"

namespace hivemind::tests {
namespace {

v1::Service shared(v1::Service service, const std::string& of) {
  service.set_network_of(of);
  return service;
}

v1::Service sharing(v1::Service service, const std::string& of) {
  service.set_pid_of(of);
  service.add_volumes_from()->set_service(of);
  return service;
}

v1::Service restarting(v1::Service service, const std::string& on) {
  service = with_dependency(std::move(service), on);
  service.mutable_depends_on(0)->set_restart(true);
  return service;
}

v1::Service hooked(v1::Service service) {
  service.add_post_start()->add_command("hi");
  service.add_pre_stop()->add_command("bye");
  return service;
}

v1::Service start_first(v1::Service service) {
  service.set_update_order(v1::UPDATE_ORDER_START_FIRST);
  return service;
}

v1::Service on_port(v1::Service service, const std::string& port) {
  return with_body(service, R"({"Image":")" + service.image() +
                                R"(","HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":")" + port +
                                R"("}]}}})");
}

// Draws what it is asked for, the same for the same seed everywhere.
class Draw {
 public:
  explicit Draw(unsigned seed) : engine_(seed) {}
  bool once_in(unsigned times) { return engine_() % times == 0; }
  unsigned below(unsigned bound) { return static_cast<unsigned>(engine_() % bound); }

 private:
  std::mt19937 engine_;
};

v1::Service drawn(Draw& draw, const std::string& name, int version) {
  v1::Service made = service(name, draw.once_in(3) ? 1 : version);
  const char* policies[] = {"no", "always", "unless-stopped", "on-failure"};
  const std::string policy = policies[draw.below(4)];
  std::string ports;
  if (draw.once_in(4))
    ports = R"(,"PortBindings":{"80/tcp":[{"HostPort":"80)" + std::to_string(draw.below(3)) + R"("}]})";
  std::string mode;
  if (draw.once_in(2)) {
    made = with_network(made, draw.once_in(2) ? "web_default" : "web_other");
    mode = R"("NetworkMode":")" + made.endpoints(0).network() + R"(",)";
  }
  made = with_body(made, R"({"Image":")" + made.image() + R"(","HostConfig":{)" + mode +
                             R"("RestartPolicy":{"Name":")" + policy + R"("})" + ports + "}}");
  // Whatever is drawn is part of the definition, as the hub's hash has it.
  made.set_config_hash(made.config_hash() + policy + ports + mode);
  if (ports.empty() && draw.once_in(5)) made.set_replicas(2);
  if (draw.once_in(5)) made = hooked(made);
  if (draw.once_in(4)) made = start_first(made);
  return made;
}

}  // namespace

std::vector<Change> changes() {
  const auto on = [](v1::Service s) { return with_network(std::move(s), "web_default"); };
  const auto on_two = [](v1::Service s) {
    return with_network(with_network(std::move(s), "web_a"), "web_b");
  };
  v1::Release other_network = release("web", {on(service("app"))});
  other_network.mutable_networks(0)->set_config_hash("another");
  return {
      {"first apply", {}, {release("web", {with_dependency(on(service("app")), "db"), on(service("db"))})}},
      {"one service replaced",
       {release("web", {service("app"), service("db")})},
       {release("web", {service("app", 2), service("db")})}},
      {"all replaced, in order",
       {release("web", {with_dependency(on(service("app")), "db"), on(service("db"))})},
       {release("web", {with_dependency(on(service("app", 2)), "db"), on(service("db", 2))})}},
      {"replicas replaced",
       {release("web", {with_replicas(service("app"), 3)})},
       {release("web", {with_replicas(service("app", 2), 2)})}},
      {"two networks",
       {release("web", {on_two(service("app"))})},
       {release("web", {on_two(service("app", 2))})}},
      {"a shared network",
       {release("web", {service("app"), shared(service("side"), "app")})},
       {release("web", {service("app", 2), shared(service("side"), "app")})}},
      {"a changed network", {release("web", {on(service("app"))})}, {other_network}},
      {"a shared namespace and volumes",
       {release("web", {service("app"), sharing(service("side"), "app")})},
       {release("web", {service("app", 2), sharing(service("side"), "app")})}},
      {"a dependency that others restart with",
       {release("web", {restarting(hooked(service("app")), "db"), service("db")})},
       {release("web", {restarting(hooked(service("app")), "db"), service("db", 2)})}},
      {"hooks", {release("web", {hooked(service("app"))})}, {release("web", {hooked(service("app", 2))})}},
      {"start first",
       {release("web", {start_first(hooked(service("app")))})},
       {release("web", {start_first(hooked(service("app", 2)))})}},
      {"swapped ports",
       {release("web", {on_port(service("a"), "80"), on_port(service("b"), "81")})},
       {release("web", {on_port(service("a", 2), "81"), on_port(service("b", 2), "80")})}},
      {"another name", {release("web", {service("app")})}, {release("web", {[] {
                                                                      v1::Service s = service("app", 2);
                                                                      s.set_container_name("mine");
                                                                      return s;
                                                                    }()})}},
      {"a stack removed",
       {release("web", {on(service("app"))}), release("b", {service("x")})},
       {release("b", {service("x")})}},
      {"a name handed on",
       {release("a", {[] {
                  v1::Service s = service("x");
                  s.set_container_name("n");
                  return s;
                }()})},
       {release("b", {[] {
                  v1::Service s = service("y");
                  s.set_container_name("n");
                  return s;
                }()})}},
  };
}

v1::Release generated(unsigned seed, int version) {
  Draw draw(seed * 4 + static_cast<unsigned>(version));
  std::vector<v1::Service> services;
  std::set<std::string> ports;
  for (const char* name : {"a", "b", "c", "d"}) {
    if (draw.once_in(4) && !(services.empty() && *name == 'd')) continue;
    v1::Service next = drawn(draw, name, version);
    const auto port = next.engine_body().find("HostPort");
    if (port != std::string::npos && !ports.insert(next.engine_body().substr(port, 16)).second) continue;
    if (!services.empty() && draw.once_in(2)) {
      const std::string on = services[draw.below(static_cast<unsigned>(services.size()))].name();
      next = draw.once_in(2) ? restarting(next, on) : with_dependency(next, on);
    }
    if (!services.empty() && next.endpoints_size() == 0 && draw.once_in(4))
      next.set_pid_of(services.front().name());
    next.set_config_hash(next.config_hash() + next.pid_of());
    services.push_back(next);
  }
  return release("web", services);
}

}  // namespace hivemind::tests

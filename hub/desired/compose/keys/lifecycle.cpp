#include <charconv>

#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/scalars/duration.h"

namespace hivemind::hub::compose {
namespace {

constexpr std::string_view kOnFailure = "on-failure:";

std::optional<std::int64_t> parse_count(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size() || count < 0) return std::nullopt;
  return count;
}

void read_restart(const yaml::Node& node, Service& service, Reader& reader) {
  if (node.is_scalar() && node.scalar.starts_with(kOnFailure)) {
    const auto count = parse_count(std::string_view(node.scalar).substr(kOnFailure.size()));
    if (!count) return reader.invalid(node, "'on-failure:' and a number");
    service.lifecycle.restart = {"on-failure", *count};
    return;
  }
  if (node.as_bool() == false) return reader.invalid(node, "a string", "write 'no'");
  const auto name = reader.choice(node, {"no", "always", "on-failure", "unless-stopped"});
  if (name) service.lifecycle.restart = {*name, 0};
}

void read_grace_period(const yaml::Node& node, Service& service, Reader& reader) {
  const auto text = reader.text(node);
  if (!text) return;
  const auto duration = parse_duration(*text);
  if (!duration) {
    reader.invalid(node, "a duration such as '30s'", node.as_integer() ? "add a unit, such as 's'" : "");
    return;
  }
  service.lifecycle.stop_grace_period = std::chrono::duration_cast<Seconds>(*duration);
}

constexpr Field<Service> kFields[] = {
    {"restart", read_restart},
    {"stop_signal", read_text<&Service::lifecycle, &Lifecycle::stop_signal>},
    {"stop_grace_period", read_grace_period},
    {"init", read_flag<&Service::lifecycle, &Lifecycle::init>},
};

// The policy is always named, so that the body says what the engine reports back.
void emit(const Service& service, const Project&, EngineBody& body) {
  const Lifecycle& lifecycle = service.lifecycle;
  RestartPolicy restart = lifecycle.restart.value_or(RestartPolicy{});
  if (lifecycle.deploy_restart) restart = *lifecycle.deploy_restart;
  body.host["RestartPolicy"] = {{"Name", restart.name}};
  if (restart.max_retries > 0) body.host["RestartPolicy"]["MaximumRetryCount"] = restart.max_retries;
  put(body.host, "Init", lifecycle.init);
  put(body.config, "StopSignal", lifecycle.stop_signal);
  if (lifecycle.stop_grace_period) body.config["StopTimeout"] = lifecycle.stop_grace_period->count();
}

}  // namespace

constinit const Family kLifecycle{kFields, emit};

}  // namespace hivemind::hub::compose

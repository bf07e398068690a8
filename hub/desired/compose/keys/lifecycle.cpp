#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/keys/numbers.h"
#include "hub/desired/compose/suggest.h"

namespace hivemind::hub::compose {
namespace {

constexpr std::string_view kOnFailure = "on-failure:";

std::optional<std::int64_t> parse_count(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size() || count < 0) return std::nullopt;
  return count;
}

// The words of Swarm mean the same here.
std::string engine_name(const std::string& name) {
  if (name == "none") return "no";
  return name == "any" ? "always" : name;
}

}  // namespace

void check_restart(const yaml::Node& node, const std::string& name, Reader& reader) {
  constexpr std::string_view kNames[] = {"no", "always", "on-failure", "unless-stopped", "none", "any"};
  if (std::ranges::find(kNames, name) != std::end(kNames)) return;
  const auto meant = closest(name, kNames);
  reader.refused_by_engine(node, fmt::format("'{}'", fmt::join(kNames, "', '")),
                           meant ? fmt::format("did you mean '{}'?", *meant) : "");
}

namespace {

void read_restart(const yaml::Node& node, Service& service, Reader& reader) {
  Lifecycle& lifecycle = service.lifecycle;
  if (node.type() == yaml::Type::kBool) return reader.invalid(node, "a string", "write 'no'");
  const auto text = reader.text(node);
  if (!text || text->empty()) return;
  lifecycle.restart_text = *text;
  if (!lifecycle.deploy_restart) lifecycle.restart_location = node.location;
  if (text->starts_with(kOnFailure)) {
    const auto count = parse_count(std::string_view(*text).substr(kOnFailure.size()));
    if (!count) return reader.refused_by_engine(node, "'on-failure:' and a number");
    lifecycle.restart = {"on-failure", *count};
    return;
  }
  lifecycle.restart = {engine_name(*text), 0};
  check_restart(node, *text, reader);
}

void read_grace_period(const yaml::Node& node, Service& service, Reader& reader) {
  service.lifecycle.stop_grace_period = read_duration(node, reader);
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
  put(body.config, "StopSignal", lifecycle.stop_signal.value_or(""));
  if (lifecycle.stop_grace_period) {
    body.config["StopTimeout"] = std::chrono::duration_cast<Seconds>(*lifecycle.stop_grace_period).count();
  }
}

void print(const Service& service, const Project&, nlohmann::json& into) {
  const Lifecycle& lifecycle = service.lifecycle;
  put(into, "restart", lifecycle.restart_text);
  put(into, "init", lifecycle.init);
  put(into, "stop_signal", lifecycle.stop_signal.value_or(""));
  if (lifecycle.stop_grace_period) {
    into["stop_grace_period"] = duration_text(*lifecycle.stop_grace_period);
  }
}

}  // namespace

constinit const Family kLifecycle{kFields, emit, print};

}  // namespace hivemind::hub::compose

#include "common/report_json.h"

#include "common/report_text.h"

namespace hivemind {

using nlohmann::json;

json to_json(const v1::Position& position) {
  return {{"generation", position.generation()}, {"revision", position.revision()}};
}

json to_json(const v1::ServiceReport& service) {
  return {{"service", service.service()},
          {"state", state_name(service.state())},
          {"reason", reason_name(service.reason())},
          {"text", service.text()},
          {"image", service.image()},
          {"image_id", service.image_id()},
          {"container_id", service.container_id()},
          {"health", service.health()},
          {"replicas", service.replicas()},
          {"running", service.running()},
          {"exit_code", service.exit_code()},
          {"restarts", service.restarts()},
          {"health_output", service.health_output()},
          {"image_digest", service.image_digest()},
          {"fetched_bytes", service.fetched_bytes()},
          {"fetch_bytes", service.fetch_bytes()}};
}

json failed_json(const v1::StackReport& stack) {
  if (!stack.has_failed()) return nullptr;
  const v1::FailedRelease& failed = stack.failed();
  return {{"digest", failed.digest()},    {"revision", failed.revision()},
          {"service", failed.service()},  {"reason", reason_name(failed.reason())},
          {"text", failed.text()},        {"exit_code", failed.exit_code()},
          {"output", failed.output()},    {"at_ms", failed.at_ms()},
          {"restored", failed.restored()}};
}

json services_json(const v1::StackReport& stack) {
  json services = json::array();
  for (const v1::ServiceReport& service : stack.services()) services.push_back(to_json(service));
  return services;
}

json notices_json(const v1::StackReport& stack) {
  json notices = json::array();
  for (const v1::Notice& notice : stack.notices()) {
    notices.push_back({{"kind", notice.kind()}, {"service", notice.service()}, {"text", notice.text()}});
  }
  return notices;
}

json to_json(const v1::NodeFacts& facts) {
  return {{"architecture", facts.architecture()},
          {"os", facts.os()},
          {"kernel", facts.kernel()},
          {"engine_version", facts.engine_version()},
          {"engine_api", facts.engine_api()},
          {"hostname", facts.hostname()},
          {"cpus", facts.cpus()},
          {"memory_bytes", facts.memory_bytes()},
          {"engine_disk_bytes", facts.engine_disk_bytes()},
          {"os_release", facts.os_release()},
          {"model", facts.model()}};
}

json to_json(const v1::Vitals& vitals) {
  return {{"uptime_s", vitals.uptime_s()},
          {"agent_uptime_s", vitals.agent_uptime_s()},
          {"load", vitals.load_milli() / 1000.0},
          {"memory_available_bytes", vitals.memory_available_bytes()},
          {"engine_disk_free_bytes", vitals.engine_disk_free_bytes()},
          {"data_disk_free_bytes", vitals.data_disk_free_bytes()},
          {"temperature_c", vitals.temperature_milli_c() / 1000.0},
          {"agent_memory_bytes", vitals.agent_memory_bytes()},
          {"clock_synchronised", vitals.clock_synchronised()}};
}

json to_json(const v1::StackReport& stack) {
  return {{"stack", stack.stack()},
          {"state", state_name(stack.state())},
          {"reason", reason_name(stack.reason())},
          {"text", stack.text()},
          {"desired_digest", stack.desired_digest()},
          {"running_digest", stack.running_digest()},
          {"desired_revision", stack.desired_revision()},
          {"running_revision", stack.running_revision()},
          {"good_digest", stack.good_digest()},
          {"failed", failed_json(stack)},
          {"services", services_json(stack)},
          {"notices", notices_json(stack)}};
}

}  // namespace hivemind

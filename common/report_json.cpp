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
          {"restarts", service.restarts()}};
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

json to_json(const v1::StackReport& stack) {
  return {{"stack", stack.stack()},
          {"state", state_name(stack.state())},
          {"reason", reason_name(stack.reason())},
          {"text", stack.text()},
          {"desired_digest", stack.desired_digest()},
          {"running_digest", stack.running_digest()},
          {"desired_revision", stack.desired_revision()},
          {"running_revision", stack.running_revision()},
          {"services", services_json(stack)},
          {"notices", notices_json(stack)}};
}

}  // namespace hivemind

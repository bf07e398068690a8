#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/scalars/duration.h"

namespace hivemind::hub::compose {
namespace {

using std::chrono::milliseconds;

void read_test(const yaml::Node& node, Healthcheck& check, Reader& reader) {
  if (node.is_scalar()) {
    check.test = Words{"CMD-SHELL", node.scalar};
    return;
  }
  Words words = values(reader.texts(node));
  const bool valid = !words.empty() && (words[0] == "NONE" || words[0] == "CMD" || words[0] == "CMD-SHELL");
  if (!valid && node.is_sequence()) {
    reader.error(node.location, "compose.invalid-value",
                 "'healthcheck.test' as a list must begin with 'CMD', 'CMD-SHELL' or 'NONE'");
  }
  if (!words.empty() && words[0] == "NONE") check.disabled = true;
  check.test = std::move(words);
}

// The engine inherits the image's timing for 0 and refuses what is below a millisecond.
template <auto Member>
void read_timing(const yaml::Node& node, Healthcheck& check, Reader& reader) {
  const auto text = reader.text(node);
  if (!text) return;
  const auto duration = parse_duration(*text);
  if (!duration) {
    reader.invalid(node, "a duration such as '1m30s'", node.as_integer() ? "add a unit, such as 's'" : "");
  } else if (duration->count() != 0 && *duration < milliseconds(1)) {
    reader.invalid(node, "a duration of at least '1ms', or '0s'");
  } else {
    check.*Member = duration;
  }
}

void read_retries(const yaml::Node& node, Healthcheck& check, Reader& reader) {
  check.retries = reader.integer(node);
  if (check.retries && *check.retries < 0) reader.invalid(node, "a number of at least 0");
}
void read_disable(const yaml::Node& node, Healthcheck& check, Reader& reader) {
  check.disabled = reader.boolean(node).value_or(false) || check.disabled;
}

constexpr Field<Healthcheck> kCheckFields[] = {
    {"test", read_test},
    {"interval", read_timing<&Healthcheck::interval>},
    {"timeout", read_timing<&Healthcheck::timeout>},
    {"start_period", read_timing<&Healthcheck::start_period>},
    {"start_interval", read_timing<&Healthcheck::start_interval>},
    {"retries", read_retries},
    {"disable", read_disable},
};

void read_healthcheck(const yaml::Node& node, Service& service, Reader& reader) {
  Healthcheck& check = service.healthcheck;
  check.present = true;
  read_fields(node, kCheckFields, check, reader);
  if (check.start_interval && !check.start_period) {
    reader.error(node.find_key("start_interval")->location, "compose.invalid-value",
                 "'healthcheck.start_interval' needs 'healthcheck.start_period'");
  }
}

constexpr Field<Service> kFields[] = {{"healthcheck", read_healthcheck}};

void put_timing(nlohmann::json& into, const char* name, const std::optional<Nanoseconds>& value) {
  if (value) into[name] = value->count();
}

// Without a test, the image's stays and only the timing changes.
void emit(const Service& service, const Project&, EngineBody& body) {
  const Healthcheck& check = service.healthcheck;
  if (!check.present) return;
  nlohmann::json& json = body.config["Healthcheck"] = nlohmann::json::object();
  if (check.disabled) {
    json["Test"] = Words{"NONE"};
    return;
  }
  put(json, "Test", check.test);
  put_timing(json, "Interval", check.interval);
  put_timing(json, "Timeout", check.timeout);
  put_timing(json, "StartPeriod", check.start_period);
  put_timing(json, "StartInterval", check.start_interval);
  put(json, "Retries", check.retries);
  if (check.start_interval) body.needs_api(44);
}

}  // namespace

constinit const Family kHealthcheck{kFields, emit};

}  // namespace hivemind::hub::compose

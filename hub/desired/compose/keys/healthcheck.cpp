#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/keys/numbers.h"

namespace hivemind::hub::compose {
namespace {

using std::chrono::milliseconds;

// An empty list is as good as none: the image's test stays.
void read_test(const yaml::Node& node, Healthcheck& check, Reader& reader) {
  if (!node.is_sequence()) {
    if (const auto command = reader.text(node)) check.test = Words{"CMD-SHELL", *command};
    return;
  }
  Words words = values(reader.texts(node));
  if (words.empty()) return;
  if (words[0] != "NONE" && words[0] != "CMD" && words[0] != "CMD-SHELL") {
    reader.error(node.location, "compose.invalid-value",
                 "'healthcheck.test' as a list must begin with 'CMD', 'CMD-SHELL' or 'NONE'",
                 "write the command as a string, or 'CMD' first");
  }
  if (words[0] == "NONE") check.disabled = true;
  check.test = std::move(words);
}

// The engine inherits the image's timing for 0 and refuses what is below a millisecond.
template <auto Member>
void read_timing(const yaml::Node& node, Healthcheck& check, Reader& reader) {
  const auto duration = read_duration(node, reader);
  if (!duration) return;
  check.*Member = duration;
  if (duration->count() != 0 && *duration < milliseconds(1)) {
    reader.refused_by_engine(node, "a duration of at least '1ms', or '0s'");
  }
}

void read_retries(const yaml::Node& node, Healthcheck& check, Reader& reader) {
  check.retries = read_count(node, reader);
}
void read_disable(const yaml::Node& node, Healthcheck& check, Reader& reader) {
  check.disable = reader.boolean(node);
  check.disabled = check.disable.value_or(false) || check.disabled;
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
    reader.error(node.find_key("start_interval")->location, "compose.refused-by-engine",
                 "'healthcheck.start_interval' needs 'healthcheck.start_period'");
  }
}

constexpr Field<Service> kFields[] = {
    {.key = "healthcheck", .read = read_healthcheck, .members = members_of<kCheckFields>}};

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
  } else {
    put(json, "Test", check.test);
  }
  put_timing(json, "Interval", check.interval);
  put_timing(json, "Timeout", check.timeout);
  put_timing(json, "StartPeriod", check.start_period);
  put_timing(json, "StartInterval", check.start_interval);
  put(json, "Retries", check.retries);
  if (check.start_interval) body.needs_api(44);
}

void print_timing(nlohmann::json& into, const char* name, const std::optional<Nanoseconds>& value) {
  if (value) into[name] = duration_text(*value);
}

void print(const Service& service, const Project&, nlohmann::json& into) {
  const Healthcheck& check = service.healthcheck;
  if (!check.present) return;
  nlohmann::json& json = into["healthcheck"] = nlohmann::json::object();
  put(json, "test", check.test);
  print_timing(json, "interval", check.interval);
  print_timing(json, "timeout", check.timeout);
  print_timing(json, "start_period", check.start_period);
  print_timing(json, "start_interval", check.start_interval);
  put(json, "retries", check.retries);
  if (check.disable.value_or(false)) json["disable"] = true;
}

}  // namespace

constinit const Family kHealthcheck{kFields, emit, print};

}  // namespace hivemind::hub::compose

#include "hub/desired/compose/keys/registry.h"

#include <array>

namespace hivemind::hub::compose {
namespace {

// In the order in which they write into the body.
constexpr std::array<const Family*, 16> kFamilies{
    &kImage,       &kProcess,   &kEnvironment, &kPorts, &kMounts,   &kConfigs,   &kNetworks, &kDependsOn,
    &kHealthcheck, &kLifecycle, &kLabels,      &kHosts, &kSecurity, &kResources, &kDeploy,   &kLogging};

// Keys of the specification that no family reads.
constexpr UnreadKey kUnread[] = {
    {"profiles", Unread::kSilent},  // project.h has dealt with it
    {"attach", Unread::kIgnored, "it is about the output of 'docker compose up'"},
    {"develop", Unread::kIgnored, "nodes build nothing"},
    {"annotations"},
    {"blkio_config"},
    {"cpu_count"},
    {"cpu_percent"},
    {"cpu_rt_period"},
    {"cpu_rt_runtime"},
    {"credential_spec"},
    {"extends", Unread::kRefused, "use YAML anchors, or several files in 'compose_files'"},
    {"external_links", Unread::kRefused, "use an external network"},
    {"gpus", Unread::kRefused, "use 'deploy.resources.reservations.devices'"},
    {"isolation"},
    {"label_file", Unread::kRefused, "use 'labels'"},
    {"links", Unread::kRefused,
     "services of one network reach each other by name; use 'aliases' for others, 'depends_on' for order"},
    {"mac_address"},
    {"models"},
    {"post_start"},
    {"pre_start"},
    {"pre_stop"},
    {"provider"},
    {"secrets"},
    {"storage_opt"},
    {"use_api_socket"},
    {"volumes_from", Unread::kRefused, "mount the same volume in both services"},
};

std::vector<Field<Service>> all_fields() {
  std::vector<Field<Service>> all;
  for (const Family* family : kFamilies) all.insert(all.end(), family->fields.begin(), family->fields.end());
  return all;
}

}  // namespace

void read_service(const yaml::Node& node, Service& service, Reader& reader) {
  const std::vector<Field<Service>> fields = all_fields();
  reader.keep_passed_on();
  read_fields<Service>(node, fields, kUnread, service, reader);
  service.passed_on = reader.keep_passed_on();
}

EngineBody emit_service(const Service& service, const Project& project) {
  EngineBody body;
  for (const Family* family : kFamilies) family->emit(service, project, body);
  if (!body.host.empty()) body.config["HostConfig"] = std::move(body.host);
  return body;
}

nlohmann::json print_service(const Service& service, const Project& project) {
  nlohmann::json into = nlohmann::json::object();
  for (const Family* family : kFamilies) {
    if (family->print != nullptr) family->print(service, project, into);
  }
  return into;
}

}  // namespace hivemind::hub::compose

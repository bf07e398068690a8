#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/keys/values.h"

namespace hivemind::hub::compose {
namespace {

void read_config_source(const yaml::Node& node, ConfigUse& use, Reader& reader) {
  use.source = {reader.text(node).value_or(""), node.location};
}
void read_config_target(const yaml::Node& node, ConfigUse& use, Reader& reader) {
  use.target = reader.text(node).value_or("");
}
void read_config_mode(const yaml::Node& node, ConfigUse& use, Reader& reader) {
  use.mode = read_mode(node, reader);
  if (use.mode && *use.mode > 0777) reader.invalid(node, "a mode of at most '0777'");
}
constexpr Field<ConfigUse> kConfigFields[] = {
    {"source", read_config_source}, {"target", read_config_target}, {"mode", read_config_mode}};
constexpr UnreadKey kConfigUnread[] = {{"uid", Unread::kIgnored, "files from Git belong to root"},
                                       {"gid", Unread::kIgnored, "files from Git belong to root"}};

void read_configs(const yaml::Node& node, Service& service, Reader& reader) {
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) {
    ConfigUse use;
    if (item.is_map()) {
      read_fields(item, kConfigFields, kConfigUnread, use, reader);
    } else {
      read_config_source(item, use, reader);
    }
    if (use.source.value.empty()) {
      reader.error(item.location, "compose.missing-key",
                   "a config needs 'source', a key of the top-level 'configs'");
      continue;
    }
    if (!use.target.starts_with("/")) use.target = "/" + (use.target.empty() ? use.source.value : use.target);
    service.mounts.configs.push_back(std::move(use));
  }
}

constexpr Field<Service> kFields[] = {{"configs", read_configs}};

// A config is a file of the stack's, see contents.h.
void emit(const Service&, const Project&, EngineBody&) {}

}  // namespace

constinit const Family kConfigs{kFields, emit};

}  // namespace hivemind::hub::compose

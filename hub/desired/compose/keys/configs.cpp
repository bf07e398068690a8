#include <algorithm>
#include <charconv>
#include <string_view>

#include <fmt/format.h>

#include "hub/desired/compose/keys/family.h"
#include "hub/desired/compose/keys/values.h"

// 'configs' and 'secrets': what the top level has under these names, as files in the container.
namespace hivemind::hub::compose {
namespace {

constexpr std::string_view kSecretDirectory = "/run/secrets/";

void read_source(const yaml::Node& node, ConfigUse& use, Reader& reader) {
  use.source = {reader.text(node).value_or(""), node.location};
}
void read_target(const yaml::Node& node, ConfigUse& use, Reader& reader) {
  use.written_target = reader.text(node).value_or("");
}
void read_file_mode(const yaml::Node& node, ConfigUse& use, Reader& reader) {
  use.mode = read_mode(node, reader);
}
template <auto Member, auto Written>
void read_id(const yaml::Node& node, ConfigUse& use, Reader& reader) {
  const auto text = reader.text(node);
  if (!text || text->empty()) return;
  use.*Written = *text;
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), id);
  if (error != std::errc{} || end != text->data() + text->size()) {
    return reader.error(node.location, "compose.unsupported-value",
                        fmt::format("'{}' is '{}', expected a number in quotes", reader.path(), *text),
                        "names are known in the container alone");
  }
  use.*Member = id;
}
constexpr Field<ConfigUse> kUseFields[] = {{"source", read_source},
                                           {"target", read_target},
                                           {"uid", read_id<&ConfigUse::uid, &ConfigUse::written_uid>},
                                           {"gid", read_id<&ConfigUse::gid, &ConfigUse::written_gid>},
                                           {"mode", read_file_mode}};

// The later of two at one place stands for both, as in the reference.
void add(ConfigUse use, std::vector<ConfigUse>& uses, Reader& reader) {
  const auto same = std::ranges::find(uses, use.target, &ConfigUse::target);
  if (same == uses.end()) {
    uses.push_back(std::move(use));
    return;
  }
  if (same->source.value != use.source.value) {
    reader.warning(use.source.location, "compose.duplicate-target",
                   fmt::format("'{}' is mounted twice: '{}' is left out", use.target, same->source.value),
                   "remove one of the two");
  }
  *same = std::move(use);
}

void read_uses(const yaml::Node& node, std::string_view what, std::string_view directory,
               std::vector<ConfigUse>& uses, Reader& reader) {
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) {
    ConfigUse use;
    const int errors_before = reader.errors();
    if (item.is_map()) {
      read_fields(item, kUseFields, use, reader);
    } else {
      read_source(item, use, reader);
    }
    if (reader.errors() != errors_before) continue;
    if (use.source.value.empty()) {
      reader.error(item.location, "compose.missing-key",
                   fmt::format("a {0} needs 'source', a key of the top-level '{0}s'", what));
      continue;
    }
    const std::string& name = use.written_target.empty() ? use.source.value : use.written_target;
    use.target = name.starts_with("/") ? name : std::string(directory) + name;
    add(std::move(use), uses, reader);
  }
}

void read_configs(const yaml::Node& node, Service& service, Reader& reader) {
  read_uses(node, "config", "/", service.mounts.configs, reader);
}
void read_secrets(const yaml::Node& node, Service& service, Reader& reader) {
  read_uses(node, "secret", kSecretDirectory, service.mounts.secrets, reader);
}

constexpr Field<Service> kFields[] = {{"configs", read_configs, Null::kRefused, {}, members_of<kUseFields>},
                                      {"secrets", read_secrets, Null::kRefused, {}, members_of<kUseFields>}};

// They are files of the stack's, see contents.h.
void emit(const Service&, const Project&, EngineBody&) {}

nlohmann::json print_use(const ConfigUse& use) {
  nlohmann::json into = {{"source", use.source.value}};
  put(into, "target", use.written_target);
  put(into, "uid", use.written_uid);
  put(into, "gid", use.written_gid);
  if (use.mode) into["mode"] = fmt::format("0{:o}", *use.mode);
  return into;
}

void print(const Service& service, const Project&, nlohmann::json& into) {
  for (const ConfigUse& use : service.mounts.configs) into["configs"].push_back(print_use(use));
  for (const ConfigUse& use : service.mounts.secrets) {
    nlohmann::json one = print_use(use);
    if (use.written_target.empty()) one["target"] = use.target;
    into["secrets"].push_back(std::move(one));
  }
}

}  // namespace

constinit const Family kConfigs{kFields, emit, print};

}  // namespace hivemind::hub::compose

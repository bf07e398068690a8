#include "hub/desired/compose/keys/development.h"

#include "hub/desired/compose/scalars/byte_size.h"

namespace hivemind::hub::compose {
namespace {

// Nothing is kept of what is read here.
struct Checked {};

void text(const yaml::Node& node, Checked&, Reader& reader) {
  reader.text(node);
}
void texts(const yaml::Node& node, Checked&, Reader& reader) {
  reader.texts(node);
}
void text_or_texts(const yaml::Node& node, Checked&, Reader& reader) {
  reader.text_or_texts(node);
}
void pairs(const yaml::Node& node, Checked&, Reader& reader) {
  reader.pairs(node);
}
void flag(const yaml::Node& node, Checked&, Reader& reader) {
  reader.boolean(node);
}
void text_or_flag(const yaml::Node& node, Checked&, Reader& reader) {
  if (node.type() != yaml::Type::kBool) reader.text(node);
}
void map_or_list(const yaml::Node& node, Checked&, Reader& reader) {
  if (!node.is_map() && !node.is_sequence()) reader.wrong_type(node, "a map or a list");
}
void list(const yaml::Node& node, Checked&, Reader& reader) {
  reader.is_sequence(node);
}
void map(const yaml::Node& node, Checked&, Reader& reader) {
  reader.is_map(node);
}
void size(const yaml::Node& node, Checked&, Reader& reader) {
  const auto value = reader.text(node, Allowed::kNumbers);
  if (value && !parse_byte_size(*value)) reader.invalid(node, "a size such as '512m'");
}

constexpr Field<Checked> kBuildFields[] = {{"context", text},
                                           {"dockerfile", text},
                                           {"dockerfile_inline", text},
                                           {"entitlements", texts},
                                           {"args", pairs},
                                           {"ssh", map_or_list},
                                           {"labels", pairs},
                                           {"cache_from", texts},
                                           {"cache_to", texts},
                                           {"no_cache", flag},
                                           {"additional_contexts", pairs},
                                           {"network", text},
                                           {"provenance", text_or_flag},
                                           {"sbom", text_or_flag},
                                           {"pull", flag},
                                           {"target", text},
                                           {"shm_size", size},
                                           {"extra_hosts", map_or_list},
                                           {"isolation", text},
                                           {"privileged", flag},
                                           {"secrets", list},
                                           {"tags", texts},
                                           {"ulimits", map},
                                           {"platforms", texts}};

void action(const yaml::Node& node, Checked&, Reader& reader) {
  reader.choice(node, {"rebuild", "sync", "restart", "sync+restart", "sync+exec"});
}
constexpr Field<Checked> kWatchFields[] = {
    {"ignore", text_or_texts}, {"include", text_or_texts}, {"path", text},
    {"action", action},        {"target", text},           {"exec", map},
    {"initial_sync", flag}};

bool copies(const yaml::Node& watch) {
  const yaml::Node* action = watch.find("action");
  return action != nullptr && action->scalar != "rebuild" && action->scalar != "restart";
}

void watch(const yaml::Node& node, Checked& checked, Reader& reader) {
  if (!reader.is_sequence(node)) return;
  for (const yaml::Node& item : node.items) {
    read_fields(item, kWatchFields, checked, reader);
    for (const char* key : {"path", "action"}) {
      if (item.is_map() && item.find(key) == nullptr) {
        reader.error(item.location, "compose.missing-key", "'" + reader.path() + "' needs '" + key + "'");
      }
    }
    if (copies(item) && item.find("target") == nullptr) {
      reader.error(item.location, "compose.missing-key", "'" + reader.path() + "' needs 'target'",
                   "or use the action 'rebuild' or 'restart'");
    }
  }
}
constexpr Field<Checked> kDevelopFields[] = {{"watch", watch}};

}  // namespace

void check_build(const yaml::Node& node, Reader& reader) {
  Checked checked;
  if (node.is_map()) {
    read_fields(node, kBuildFields, checked, reader);
  } else {
    text(node, checked, reader);
  }
}

void check_develop(const yaml::Node& node, Reader& reader) {
  Checked checked;
  if (!node.is_null()) read_fields(node, kDevelopFields, checked, reader);
}

void check_attach(const yaml::Node& node, Reader& reader) {
  Checked checked;
  flag(node, checked, reader);
}

}  // namespace hivemind::hub::compose

#include "hub/desired/fleet.h"

#include <array>
#include <unordered_map>

#include <fmt/format.h>

#include "common/error.h"
#include "common/ids.h"
#include "hub/desired/fleet_reader.h"

namespace hivemind::hub {
namespace {

constexpr std::array<std::string_view, 3> kFleetKeys = {"stacks", "nodes", "rollouts"};
constexpr std::array<std::string_view, 11> kStackKeys = {
    "name", "compose_file", "compose_files", "env_file",        "enabled", "nodes",
    "vars", "rollout",      "profiles",      "unset_variables", "pin"};
constexpr std::array<std::string_view, 2> kNodeKeys = {"labels", "vars"};

// Room for labels and variables of ten thousand nodes, and then some.
constexpr yaml::Limits kLimits{.max_bytes = 8u << 20, .max_depth = 16, .max_nodes = 1'000'000};

class FleetFile {
 public:
  FleetFile(std::string_view directory, FleetReader& reader) : directory_(directory), reader_(reader) {}

  Fleet read(const yaml::Node& root) {
    if (!reader_.is_map(root, kFleetFile)) return {};
    reader_.refuse_unknown_keys(root, kFleetKeys);
    if (const yaml::Node* nodes = root.find("nodes")) read_nodes(*nodes);
    if (const yaml::Node* rollouts = root.find("rollouts")) read_rollouts(*rollouts);
    if (const yaml::Node* stacks = root.find("stacks")) {
      read_stacks(*stacks);
    } else {
      reader_.error(root.location, "fleet.missing-key", "key 'stacks' is missing",
                    "write 'stacks: []' when there are none");
    }
    return std::move(fleet_);
  }

 private:
  void read_nodes(const yaml::Node& nodes) {
    if (!reader_.is_map(nodes, "nodes")) return;
    for (const auto& [key, value] : nodes.members) {
      if (!is_node_id(key.scalar)) {
        reader_.error(key.location, "fleet.name", fmt::format("'{}' is no node id", key.scalar),
                      "use 1 to 63 of a-z, 0-9 and '-', neither first nor last a '-'");
      }
      NodeEntry& entry = fleet_.nodes[key.scalar];
      if (value.is_null() || !reader_.is_map(value, key.scalar)) continue;
      reader_.refuse_unknown_keys(value, kNodeKeys);
      if (const yaml::Node* labels = value.find("labels")) entry.labels = reader_.labels(*labels, "labels");
      if (const yaml::Node* vars = value.find("vars"))
        entry.vars = reader_.variables(*vars, "vars", entry.secret_vars);
    }
  }

  void read_rollouts(const yaml::Node& rollouts) {
    if (!reader_.is_map(rollouts, "rollouts")) return;
    for (const auto& [key, value] : rollouts.members) {
      if (!is_compose_key(key.scalar)) {
        reader_.error(key.location, "fleet.name", fmt::format("'{}' is no name for a rollout", key.scalar),
                      "use up to 63 letters, digits, '.', '-' and '_'");
      }
      fleet_.rollouts[key.scalar] = read_rollout(key.scalar, value, reader_);
    }
  }

  void read_stacks(const yaml::Node& stacks) {
    if (!stacks.is_sequence()) {
      return reader_.wrong_type(stacks, "stacks", "a list", "write 'stacks: []' when there are none");
    }
    for (const yaml::Node& item : stacks.items) {
      if (reader_.is_map(item, "stacks")) read_stack(item);
      reader_.set_stack("");
    }
  }

  void read_stack(const yaml::Node& node) {
    StackEntry& entry = fleet_.stacks.emplace_back();
    entry.location = node.location;
    read_name(node, entry);
    reader_.refuse_unknown_keys(node, kStackKeys);
    read_compose_files(node, entry);
    if (const yaml::Node* files = node.find("env_file")) entry.env_files = read_paths(*files, "env_file");
    if (const yaml::Node* enabled = node.find("enabled")) {
      entry.enabled = reader_.boolean(*enabled, "enabled").value_or(true);
    }
    if (const yaml::Node* nodes = node.find("nodes")) entry.nodes = read_selector(*nodes, reader_);
    if (const yaml::Node* vars = node.find("vars"))
      entry.vars = reader_.variables(*vars, "vars", entry.secret_vars);
    if (const yaml::Node* profiles = node.find("profiles")) {
      entry.profiles = reader_.text_or_texts(*profiles, "profiles");
    }
    if (const yaml::Node* rule = node.find("unset_variables")) read_unset_variables(*rule, entry);
    if (const yaml::Node* pin = node.find("pin")) entry.pin = reader_.boolean(*pin, "pin").value_or(false);
    if (const yaml::Node* rollout = node.find("rollout")) read_rollout_name(*rollout, entry);
  }

  void read_name(const yaml::Node& node, StackEntry& entry) {
    const yaml::Node* name = node.find("name");
    if (name == nullptr) {
      return reader_.error(node.location, "fleet.missing-key", "a stack has no 'name'", "give it one");
    }
    entry.name = reader_.text(*name, "name").value_or("");
    if (!name->is_scalar()) return;
    reader_.set_stack(entry.name);
    if (!is_stack_name(entry.name)) {
      reader_.error(name->location, "fleet.name", fmt::format("'{}' is no name for a stack", entry.name),
                    "use up to 63 of a-z, 0-9, '-' and '_', a letter or digit first");
    }
    const auto [earlier, fresh] = lines_.emplace(entry.name, name->location.line);
    if (fresh) return;
    reader_.error(name->location, "fleet.duplicate-stack",
                  fmt::format("name '{}' is already taken at line {}", entry.name, earlier->second),
                  "names of stacks are unique");
  }

  void read_compose_files(const yaml::Node& node, StackEntry& entry) {
    const yaml::Node* one = node.find("compose_file");
    const yaml::Node* several = node.find("compose_files");
    if (one != nullptr && several != nullptr) {
      reader_.error(node.find_key("compose_files")->location, "fleet.conflict",
                    "'compose_file' and 'compose_files' exclude each other", "keep one of them");
    } else if (several != nullptr) {
      if (reader_.is_list(*several, "compose_files"))
        entry.compose_files = read_paths(*several, "compose_files");
    } else if (one == nullptr) {
      reader_.error(node.location, "fleet.missing-key", "the stack has no 'compose_file'",
                    "name its Compose file, relative to stacks.yml");
    } else if (one->is_sequence()) {
      reader_.wrong_type(*one, "compose_file", "a string", "use 'compose_files' for several");
    } else if (reader_.text(*one, "compose_file")) {
      entry.compose_files = read_paths(*one, "compose_file");
    }
  }

  // From the repository's root.
  std::vector<std::string> read_paths(const yaml::Node& node, std::string_view name) {
    std::vector<std::string> paths = reader_.text_or_texts(node, name);
    for (std::string& path : paths) {
      try {
        path = join_path(directory_, path);
      } catch (const Error& error) {
        reader_.error(node.location, "fleet.path", fmt::format("'{}': {}", name, error.what()));
      }
    }
    return paths;
  }

  void read_unset_variables(const yaml::Node& node, StackEntry& entry) {
    const std::string rule = reader_.text(node, "unset_variables").value_or("error");
    entry.unset_variables = rule == "warn" ? UnsetVariables::kWarn : UnsetVariables::kError;
    if (!node.is_scalar() || rule == "warn" || rule == "error") return;
    reader_.error(node.location, "fleet.unset-variables",
                  fmt::format("'unset_variables' is '{}'; expected 'error' or 'warn'", rule));
  }

  void read_rollout_name(const yaml::Node& node, StackEntry& entry) {
    entry.rollout = reader_.text(node, "rollout").value_or("");
    if (!node.is_scalar() || fleet_.rollouts.contains(entry.rollout)) return;
    reader_.error(node.location, "fleet.rollout", fmt::format("rollout '{}' is not there", entry.rollout),
                  "add it under 'rollouts:'");
  }

  std::string_view directory_;
  FleetReader& reader_;
  Fleet fleet_;
  std::unordered_map<std::string, int> lines_;  // stack -> where it is named first
};

std::optional<std::string> read_text(const Snapshot& snapshot, const std::string& path,
                                     Diagnostics& diagnostics) {
  const auto refuse = [&](std::string message, std::string remedy) {
    diagnostics.push_back({.code = "fleet.missing",
                           .location = {path, 0, 0},
                           .message = std::move(message),
                           .remedy = std::move(remedy)});
    return std::nullopt;
  };
  try {
    const Entry entry = resolve(snapshot, path);
    if (entry.kind == EntryKind::kAbsent) {
      return refuse("the file is not in the repository", "add it, or set 'git.path' to its directory");
    }
    if (entry.kind != EntryKind::kFile && entry.kind != EntryKind::kExecutable)
      return refuse("it is no file", "");
    return snapshot.read(entry.path, kLimits.max_bytes);
  } catch (const Error& error) {
    return refuse(error.what(), "");
  }
}

std::string path_in(std::string_view directory) {
  try {
    return join_path(directory, kFleetFile);
  } catch (const Error&) {
    return std::string(directory) + "/" + std::string(kFleetFile);  // resolve() says what is wrong with it
  }
}

}  // namespace

std::optional<Fleet> load_fleet(const Snapshot& snapshot, std::string_view directory,
                                Diagnostics& diagnostics) {
  const std::string path = path_in(directory);
  const auto text = read_text(snapshot, path, diagnostics);
  if (!text) return std::nullopt;
  const auto root = yaml::parse(*text, path, diagnostics, kLimits);
  if (!root) return std::nullopt;
  FleetReader reader(diagnostics);
  Fleet fleet = FleetFile(directory, reader).read(*root);
  if (reader.failed()) return std::nullopt;
  return fleet;
}

std::set<std::string> named_nodes(const Fleet& fleet) {
  std::set<std::string> named;
  for (const auto& [id, entry] : fleet.nodes) named.insert(id);
  for (const StackEntry& stack : fleet.stacks) named.insert(stack.nodes.ids.begin(), stack.nodes.ids.end());
  return named;
}

}  // namespace hivemind::hub

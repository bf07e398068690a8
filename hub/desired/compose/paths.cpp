#include "hub/desired/compose/paths.h"

#include <algorithm>
#include <vector>

namespace hivemind::hub::compose {
namespace {

using yaml::Node;

bool is_relative(std::string_view path) {
  return !path.empty() && !path.starts_with('/') && !path.starts_with('~');
}

// Normalised; '..' only at the front.
void walk(std::string_view path, std::vector<std::string_view>& parts) {
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty() && parts.back() != "..")
      parts.pop_back();
    else
      parts.push_back(part);
  }
}

struct Rebase {
  std::string_view from;
  std::string_view to;

  void operator()(Node& node) const {
    if (node.is_scalar()) node.scalar = rebased(node.scalar, from, to);
  }
};

Node* find(Node& node, std::string_view key) {
  return const_cast<Node*>(std::as_const(node).find(key));
}

template <typename Change>
void for_one_or_all(Node* node, Change change) {
  if (node == nullptr) return;
  if (node->is_sequence()) {
    for (Node& item : node->items) change(item);
  } else {
    change(*node);
  }
}

// Only what starts with a '.' is a path in the short form; other names are volumes.
void rebase_mount(Node& mount, const Rebase& rebase) {
  if (mount.is_scalar() && mount.scalar.starts_with('.')) {
    const std::size_t colon = mount.scalar.find(':');
    if (colon == std::string::npos) return;
    mount.scalar =
        rebased(mount.scalar.substr(0, colon), rebase.from, rebase.to) + mount.scalar.substr(colon);
  }
  const Node* type = mount.find("type");
  Node* source = find(mount, "source");
  if (type != nullptr && type->scalar == "bind" && source != nullptr) rebase(*source);
}

void rebase_env_file(Node& file, const Rebase& rebase) {
  rebase(file);
  if (Node* path = find(file, "path")) rebase(*path);
}

void rebase_build(Node& build, const Rebase& rebase) {
  Node* context = build.is_scalar() ? &build : find(build, "context");
  if (context == nullptr || context->scalar.find("://") != std::string::npos) return;
  if (context->scalar.starts_with("git@") || context->scalar.starts_with("github.com/")) return;
  rebase(*context);
}

// A volume of the driver 'local' may be a bind mount in truth.
void rebase_volume(Node& volume, const Rebase& rebase) {
  const Node* driver = volume.find("driver");
  Node* options = find(volume, "driver_opts");
  if (driver == nullptr || driver->scalar != "local" || options == nullptr) return;
  const Node* kind = options->find("o");
  Node* device = find(*options, "device");
  if (kind != nullptr && kind->scalar == "bind" && device != nullptr) rebase(*device);
}

template <typename Change>
void for_members(Node& document, std::string_view key, Change change) {
  Node* map = find(document, key);
  if (map == nullptr) return;
  for (auto& [name, value] : map->members) change(value);
}

}  // namespace

std::string directory_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? "" : std::string(path.substr(0, slash));
}

std::string rebased(std::string_view path, std::string_view from, std::string_view to) {
  if (!is_relative(path) || from == to) return std::string(path);
  std::vector<std::string_view> target;
  walk(from, target);
  walk(path, target);
  std::vector<std::string_view> start;
  walk(to, start);
  const auto [left, right] = std::ranges::mismatch(start, target);
  std::string result;
  for (auto part = left; part != start.end(); ++part) result += "../";
  if (result.empty() && (right == target.end() || *right != "..")) result = "./";
  for (auto part = right; part != target.end(); ++part) {
    result += *part;
    result += '/';
  }
  if (result.size() > 1) result.pop_back();
  return result;
}

void rebase_service(Node& service, std::string_view from, std::string_view to) {
  if (from == to) return;
  const Rebase rebase{from, to};
  for_one_or_all(find(service, "volumes"), [&](Node& mount) { rebase_mount(mount, rebase); });
  for_one_or_all(find(service, "env_file"), [&](Node& file) { rebase_env_file(file, rebase); });
  for_one_or_all(find(service, "label_file"), rebase);
  if (Node* build = find(service, "build")) rebase_build(*build, rebase);
}

void rebase_document(Node& document, std::string_view from, std::string_view to) {
  if (from == to) return;
  const Rebase rebase{from, to};
  for_members(document, "services", [&](Node& service) { rebase_service(service, from, to); });
  for_members(document, "volumes", [&](Node& volume) { rebase_volume(volume, rebase); });
  for (const std::string_view kind : {"configs", "secrets"}) {
    for_members(document, kind, [&](Node& one) {
      if (Node* file = find(one, "file")) rebase(*file);
    });
  }
}

}  // namespace hivemind::hub::compose

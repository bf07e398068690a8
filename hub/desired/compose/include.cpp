#include "hub/desired/compose/include.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace hivemind::hub::compose {
namespace {

using yaml::Node;

constexpr std::array<std::string_view, 6> kResources{"services", "volumes", "networks",
                                                     "secrets",  "configs", "models"};

constexpr std::array<std::string_view, 3> kKeys{"path", "project_directory", "env_file"};

void read_member(const Node::Member& member, Include& into, Reader& reader) {
  const auto& [key, value] = member;
  const Reader::Scope scope = reader.in_key(key.scalar);
  if (key.scalar == "path") {
    into.paths = reader.text_or_texts(value);
  } else if (key.scalar == "env_file") {
    into.env_files = reader.text_or_texts(value);
  } else if (key.scalar == "project_directory") {
    into.project_directory = {reader.text(value).value_or(""), value.location};
  }
}

Include read_include(const Node& node, Reader& reader) {
  Include include;
  include.location = node.location;
  if (node.is_scalar()) {
    include.paths.push_back({node.scalar, node.location});
  } else if (reader.is_map(node)) {
    for (const Node::Member& member : node.members) {
      const std::string& key = member.first.scalar;
      if (key.starts_with("x-") || member.second.is_null()) continue;
      if (std::ranges::find(kKeys, key) == kKeys.end()) reader.unknown_key(member.first, kKeys);
      read_member(member, include, reader);
    }
  }
  return include;
}

bool same(const Node& a, const Node& b) {
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null();
  if (a.kind != b.kind) return false;
  if (a.is_scalar()) return a.printed() == b.printed();
  if (a.is_sequence()) return std::ranges::equal(a.items, b.items, same);
  return a.members.size() == b.members.size() && std::ranges::all_of(a.members, [&](const Node::Member& one) {
           const Node* other = b.find(one.first.scalar);
           return other != nullptr && same(one.second, *other);
         });
}

Node& member(Node& map, const Node& key) {
  for (auto& [name, value] : map.members) {
    if (name.scalar == key.scalar) return value;
  }
  Node empty;
  empty.kind = yaml::Kind::kMap;
  empty.location = key.location;
  return map.members.emplace_back(key, std::move(empty)).second;
}

void import_one(std::string_view kind, Node& known, Node::Member&& fresh, Reader& reader) {
  const auto found = std::ranges::find_if(
      known.members, [&](const Node::Member& one) { return one.first.scalar == fresh.first.scalar; });
  if (found == known.members.end()) {
    known.members.push_back(std::move(fresh));
  } else if (!same(found->second, fresh.second)) {
    const Location& at = found->first.location;
    reader.error(fresh.first.location, "compose.include-conflict",
                 fmt::format("'{}.{}' is included, but not what it is at {}:{}", kind, fresh.first.scalar,
                             at.file, at.line),
                 "rename one of them, or list the files in 'path' of one include to merge them");
  }
}

}  // namespace

std::vector<Include> read_includes(const Node& node, Reader& reader) {
  std::vector<Include> all;
  const Reader::Scope scope = reader.in_key("include");
  if (node.is_null() || !reader.is_sequence(node)) return all;
  for (const Node& item : node.items) {
    const int before = reader.errors();
    Include include = read_include(item, reader);
    if (include.paths.empty() && reader.errors() == before) {
      reader.error(item.location, "compose.missing-key", "an include needs a 'path'");
    }
    if (reader.errors() == before) all.push_back(std::move(include));
  }
  return all;
}

bool refuse_remote(const Text& path, std::string_view what, Reader& reader) {
  const std::string& text = path.value;
  const bool remote = text.find("://") != std::string::npos || text.starts_with("git@") ||
                      text.starts_with("github.com/") || text.starts_with("oci:");
  if (!remote) return false;
  reader.error(path.location, "compose.remote",
               fmt::format("{} '{}' is not in the repository, and nothing else is read", what, text),
               "copy it into the repository, where its changes are reviewed like all others");
  return true;
}

void import_resources(Node& document, Node imported, Reader& reader) {
  for (auto& [key, resources] : imported.members) {
    if (key.scalar == "x-hivemind") {
      reader.ignored_key(key,
                         "how a stack is updated is said in its own files, not in those that it includes");
    }
    if (std::ranges::find(kResources, key.scalar) == kResources.end() || !resources.is_map()) continue;
    Node& known = member(document, key);
    if (known.is_null()) {
      known = std::move(resources);
    } else if (known.is_map()) {
      for (Node::Member& one : resources.members) import_one(key.scalar, known, std::move(one), reader);
    }
  }
}

}  // namespace hivemind::hub::compose

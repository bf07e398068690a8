#include "hub/desired/compose/merge.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hub/desired/compose/merge_rules.h"

namespace hivemind::hub::compose {
namespace {

using yaml::Kind;
using yaml::Node;

constexpr std::string_view kReset = "!reset";
constexpr std::string_view kOverride = "!override";

using Path = std::vector<std::string>;

Node text_node(std::string text, const Location& location) {
  Node node;
  node.kind = Kind::kScalar;
  node.scalar = std::move(text);
  node.location = location;
  return node;
}

Node empty_like(const Node& node, Kind kind) {
  Node result;
  result.kind = kind;
  result.location = node.location;
  result.tag = node.tag;
  return result;
}

// A list of "KEY=VALUE" as the map that it stands for. A later item of the same name wins.
void make_pairs(Node& node) {
  if (!node.is_sequence()) return;
  Node map = empty_like(node, Kind::kMap);
  std::map<std::string, std::size_t> places;
  for (const Node& item : node.items) {
    const std::size_t equals = item.scalar.find('=');
    Node key = text_node(item.scalar.substr(0, equals), item.location);
    Node value;
    value.location = item.location;
    if (equals != std::string::npos) value = text_node(item.scalar.substr(equals + 1), item.location);
    value.tag = item.tag;
    const auto [place, fresh] = places.emplace(key.scalar, map.members.size());
    if (fresh) map.members.emplace_back(std::move(key), Node{});
    map.members[place->second].second = std::move(value);
  }
  node = std::move(map);
}

void make_names(Node& node) {
  if (!node.is_sequence()) return;
  Node map = empty_like(node, Kind::kMap);
  for (Node& item : node.items) {
    Node nothing;
    nothing.location = item.location;
    nothing.tag = item.tag;
    map.members.emplace_back(std::move(item), std::move(nothing));
  }
  node = std::move(map);
}

void make_dependencies(Node& node) {
  const bool list = node.is_sequence();
  make_names(node);
  if (!list) return;
  for (auto& [name, value] : node.members) {
    value.kind = Kind::kMap;
    Node required = text_node("true", name.location);
    required.plain = true;
    value.members.emplace_back(text_node("condition", name.location),
                               text_node("service_started", name.location));
    value.members.emplace_back(text_node("required", name.location), std::move(required));
  }
}

void make_list(Node& node) {
  if (!node.is_scalar()) return;
  Node list = empty_like(node, Kind::kSequence);
  node.tag.clear();
  list.items.push_back(std::move(node));
  node = std::move(list);
}

void make_hosts(Node& node) {
  if (!node.is_map()) return make_list(node);
  Node list = empty_like(node, Kind::kSequence);
  const auto add = [&](const Node& host, const Node& address) {
    const std::string text =
        address.is_null() ? host.scalar : fmt::format("{}={}", host.scalar, address.printed());
    list.items.push_back(text_node(text, address.location));
    list.items.back().tag = address.tag;
  };
  for (const auto& [host, addresses] : node.members) {
    if (!addresses.is_sequence()) add(host, addresses);
    for (const Node& address : addresses.items) add(host, address);
  }
  node = std::move(list);
}

void make_build(Node& node) {
  if (!node.is_scalar()) return;
  Node map = empty_like(node, Kind::kMap);
  Node key = text_node("context", node.location);
  node.tag.clear();
  map.members.emplace_back(std::move(key), std::move(node));
  node = std::move(map);
}

// Brings a value to the form in which its place is merged. What it is not is left for the reader to refuse.
void normalise(MergeRule rule, Node& node) {
  switch (rule) {
    case MergeRule::kPairs:
      return make_pairs(node);
    case MergeRule::kNames:
      return make_names(node);
    case MergeRule::kDependencies:
      return make_dependencies(node);
    case MergeRule::kList:
      return make_list(node);
    case MergeRule::kHosts:
      return make_hosts(node);
    case MergeRule::kBuild:
      return make_build(node);
    case MergeRule::kByKind:
    case MergeRule::kReplace:
    case MergeRule::kLogging:
    case MergeRule::kPools:
      return;
  }
}

std::string text_of(const Node& node, std::string_view key) {
  const Node* found = node.find(key);
  return found == nullptr ? "" : found->printed();
}

bool changes_driver(const Node& base, const Node& over) {
  const Node* earlier = base.find("driver");
  const Node* later = over.find("driver");
  return earlier != nullptr && later != nullptr && earlier->printed() != later->printed();
}

class Merger {
 public:
  explicit Merger(Reader& reader) : reader_(reader) {}

  void merge(Node& base, Node&& over, Path& path) {
    const MergeRule rule = merge_rule(path);
    if (over.tag == kOverride || rule == MergeRule::kReplace || base.is_null() || base.tag == kReset) {
      base = std::move(over);
      return;
    }
    if (over.is_null() && over.tag != kReset) return;
    normalise(rule, base);
    normalise(rule, over);
    if (base.is_map() && over.is_map()) {
      if (rule == MergeRule::kLogging && changes_driver(base, over))
        base = Node(std::move(over));
      else
        merge_maps(base, std::move(over), path, rule == MergeRule::kPairs);
    } else if (base.is_sequence() && over.is_sequence()) {
      if (rule == MergeRule::kPools)
        merge_pools(base, std::move(over), path);
      else
        append(base, std::move(over), rule == MergeRule::kHosts);
    } else if (base.is_map() || base.is_sequence()) {
      refuse(base, over, path);
    } else {
      base = std::move(over);
    }
  }

 private:
  // with_null: a key without a value says something, too.
  void merge_maps(Node& base, Node&& over, Path& path, bool with_null = false) {
    std::map<std::string, std::size_t> places;
    for (std::size_t i = 0; i < base.members.size(); ++i) places.emplace(base.members[i].first.scalar, i);
    for (auto& [key, value] : over.members) {
      const auto [place, fresh] = places.emplace(key.scalar, base.members.size());
      if (fresh) base.members.emplace_back(key, Node{});
      auto& [known, merged] = base.members[place->second];
      if (fresh || value.tag == kReset || (with_null && value.is_null())) {
        merged = std::move(value);
      } else {
        path.push_back(key.scalar);
        merge(merged, std::move(value), path);
        path.pop_back();
      }
      known = std::move(key);
    }
  }

  static void append(Node& base, Node&& over, bool without_equals) {
    const std::size_t before = base.items.size();
    for (Node& item : over.items) {
      const bool known =
          without_equals &&
          std::any_of(base.items.begin(), base.items.begin() + static_cast<std::ptrdiff_t>(before),
                      [&](const Node& other) { return other.scalar == item.scalar; });
      if (!known) base.items.push_back(std::move(item));
    }
  }

  // As in the reference: a pool is kept when a later one has its subnet, which it is then merged with.
  void merge_pools(Node& base, Node&& over, Path& path) {
    std::vector<Node> pools;
    const auto find = [&](const std::string& subnet) {
      return std::ranges::find_if(pools, [&](const Node& one) { return text_of(one, "subnet") == subnet; });
    };
    for (Node& merged : base.items) {
      for (const Node& later : over.items) {
        const std::string subnet = text_of(later, "subnet");
        if (subnet != text_of(merged, "subnet") && find(subnet) == pools.end()) {
          pools.push_back(later);
          continue;
        }
        merge_maps(merged, Node(later), path);
        if (const auto known = find(subnet); known != pools.end())
          *known = merged;
        else
          pools.push_back(merged);
      }
    }
    base.items = std::move(pools);
  }

  void refuse(const Node& base, const Node& over, const Path& path) {
    reader_.error(over.location, "compose.merge",
                  fmt::format("'{}' is {} and cannot be merged with {} of {}:{}", fmt::join(path, "."),
                              over.describe(), base.describe(), base.location.file, base.location.line),
                  "write both in one form, or put '!override' before it");
  }

  Reader& reader_;
};

void make_unique(Node& list, Identity kind) {
  std::map<std::string, std::size_t> places;
  std::vector<Node> unique;
  for (Node& item : list.items) {
    const auto [place, fresh] = places.emplace(identity(kind, item), unique.size());
    if (fresh)
      unique.push_back(std::move(item));
    else
      unique[place->second] = std::move(item);
  }
  list.items = std::move(unique);
}

void finish(Node& node, Path& path) {
  std::erase_if(node.members, [](const Node::Member& m) { return m.second.tag == kReset; });
  std::erase_if(node.items, [](const Node& item) { return item.tag == kReset; });
  if (node.tag == kOverride) node.tag.clear();
  if (node.is_sequence()) {
    if (const Identity kind = list_identity(path); kind != Identity::kNone) make_unique(node, kind);
  }
  for (auto& [key, value] : node.members) {
    path.push_back(key.scalar);
    finish(value, path);
    path.pop_back();
  }
  path.emplace_back();
  for (Node& item : node.items) finish(item, path);
  path.pop_back();
}

}  // namespace

void merge_document(Node& document, Node later, Reader& reader) {
  Path path;
  Merger(reader).merge(document, std::move(later), path);
}

void merge_service(Node& service, Node later, Reader& reader) {
  Path path{"services", "x"};
  Merger(reader).merge(service, std::move(later), path);
}

void finish_merge(Node& document) {
  Path path;
  finish(document, path);
}

}  // namespace hivemind::hub::compose

#include "hub/desired/compose/merge.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace hivemind::hub::compose {
namespace {

using yaml::Kind;
using yaml::Node;

// How values of a key of a service are merged; what is in no list merges as its kind suggests.
constexpr std::array<std::string_view, 2> kReplaced{"command", "entrypoint"};
constexpr std::array<std::string_view, 4> kPairs{"environment", "labels", "sysctls", "annotations"};
constexpr std::array<std::string_view, 2> kNamed{"networks", "depends_on"};  // a list of names
constexpr std::array<std::string_view, 5> kLists{"dns", "dns_search", "env_file", "extra_hosts", "tmpfs"};

bool is_one_of(std::string_view key, std::span<const std::string_view> keys) {
  return std::ranges::find(keys, key) != keys.end();
}

Node scalar(std::string text, const Location& location) {
  Node node;
  node.kind = Kind::kScalar;
  node.scalar = std::move(text);
  node.location = location;
  return node;
}

void merge_into(Node& base, Node&& over, const std::vector<std::string>& path);

// A list of "KEY=VALUE" as the map that it stands for. A later item of the same name wins.
void make_pairs(Node& node) {
  if (!node.is_sequence()) return;
  Node map = node;
  map.kind = Kind::kMap;
  map.items.clear();
  std::map<std::string, std::size_t> places;
  for (Node& item : node.items) {
    const std::size_t equals = item.scalar.find('=');
    Node key = scalar(item.scalar.substr(0, equals), item.location);
    Node value;
    value.location = item.location;
    if (equals != std::string::npos) value = scalar(item.scalar.substr(equals + 1), item.location);
    const auto [place, fresh] = places.emplace(key.scalar, map.members.size());
    if (fresh) map.members.emplace_back(std::move(key), Node{});
    map.members[place->second].second = std::move(value);
  }
  node = std::move(map);
}

void make_named(Node& node) {
  if (!node.is_sequence()) return;
  Node map = node;
  map.kind = Kind::kMap;
  map.items.clear();
  for (Node& item : node.items) {
    Node nothing;
    nothing.location = item.location;
    map.members.emplace_back(std::move(item), std::move(nothing));
  }
  node = std::move(map);
}

// A single value, or a map of hosts to addresses, as a list.
void make_list(Node& node) {
  if (node.is_sequence() || node.is_null()) return;
  Node list;
  list.kind = Kind::kSequence;
  list.location = node.location;
  if (node.is_scalar()) list.items.push_back(std::move(node));
  for (auto& [key, value] : node.members) {
    const Node one = std::move(value);
    for (const Node& address : one.is_sequence() ? one.items : std::vector<Node>{one}) {
      list.items.push_back(scalar(key.scalar + "=" + address.scalar, address.location));
    }
  }
  node = std::move(list);
}

std::string member(const Node& node, std::string_view key, std::string otherwise = "") {
  const Node* found = node.find(key);
  return found == nullptr ? std::move(otherwise) : found->scalar;
}

// "[source:]target[:options]" -> target
std::string target_of_short(const std::string& text) {
  const std::size_t first = text.find(':');
  if (first == std::string::npos) return text;
  return text.substr(first + 1, text.find(':', first + 1) - first - 1);
}

// What makes two items of a list the same one.
std::string identity(std::string_view key, const Node& item) {
  if (key == "volumes" || key == "devices") {
    return item.is_map() ? member(item, "target", member(item, "source")) : target_of_short(item.scalar);
  }
  if (key == "configs" || key == "secrets") {
    return item.is_map() ? member(item, "target", member(item, "source")) : item.scalar;
  }
  if (key == "env_file") return item.is_map() ? member(item, "path") : item.scalar;
  if (key == "ports" && item.is_map()) {
    const std::string protocol = member(item, "protocol", "tcp");
    std::string text = member(item, "published");
    if (const std::string ip = member(item, "host_ip"); !ip.empty()) text = ip + ":" + text;
    return (text.empty() ? "" : text + ":") + member(item, "target") + "/" + protocol;
  }
  if (key == "ports" && item.scalar.find('/') == std::string::npos) return item.scalar + "/tcp";
  return item.scalar;
}

// The later item of the same identity takes the place of the earlier.
void append(Node& base, Node&& over, std::string_view key) {
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < base.items.size(); ++i) places.emplace(identity(key, base.items[i]), i);
  for (Node& item : over.items) {
    const auto [place, fresh] = places.emplace(identity(key, item), base.items.size());
    if (fresh) base.items.emplace_back();
    base.items[place->second] = std::move(item);
  }
}

void merge_maps(Node& base, Node&& over, const std::vector<std::string>& path) {
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < base.members.size(); ++i) places.emplace(base.members[i].first.scalar, i);
  for (auto& [key, value] : over.members) {
    const auto [place, fresh] = places.emplace(key.scalar, base.members.size());
    if (fresh) {
      base.members.emplace_back(std::move(key), std::move(value));
      continue;
    }
    std::vector<std::string> below = path;
    below.push_back(key.scalar);
    merge_into(base.members[place->second].second, std::move(value), below);
    base.members[place->second].first = std::move(key);
  }
}

bool is_service_key(const std::vector<std::string>& path) {
  return path.size() == 3 && path[0] == "services";
}

// Options belong to their driver: another driver starts anew.
bool changes_log_driver(const Node& base, const Node& over, const std::vector<std::string>& path) {
  if (!is_service_key(path) || path[2] != "logging") return false;
  const Node* driver = over.find("driver");
  return driver != nullptr && member(base, "driver", "json-file") != driver->scalar;
}

bool replaces(const Node& base, const Node& over, const std::vector<std::string>& path) {
  const bool test =
      path.size() == 4 && path[0] == "services" && path[2] == "healthcheck" && path[3] == "test";
  return over.tag == "!override" || test || (is_service_key(path) && is_one_of(path[2], kReplaced)) ||
         changes_log_driver(base, over, path);
}

// Brings both to one form where the specification allows several. What it is not is left for the reader to
// refuse.
void make_alike(Node& base, Node& over, const std::vector<std::string>& path) {
  const bool lists = base.is_sequence() || over.is_sequence();
  const bool service = is_service_key(path);
  if (lists && ((service && is_one_of(path[2], kPairs)) || (!path.empty() && path.back() == "labels"))) {
    make_pairs(base);
    make_pairs(over);
  } else if (lists && service && is_one_of(path[2], kNamed)) {
    make_named(base);
    make_named(over);
  } else if (service && is_one_of(path[2], kLists) && !(base.is_map() && over.is_map() && !lists)) {
    make_list(base);
    make_list(over);
  }
}

void merge_into(Node& base, Node&& over, const std::vector<std::string>& path) {
  if (over.tag == "!reset" || replaces(base, over, path)) {
    base = std::move(over);
    return;
  }
  if (over.is_null()) return;
  make_alike(base, over, path);
  if (base.is_map() && over.is_map()) {
    merge_maps(base, std::move(over), path);
  } else if (base.is_sequence() && over.is_sequence()) {
    append(base, std::move(over), path.empty() ? "" : path.back());
  } else {
    base = std::move(over);
  }
}

void remove_reset(Node& node) {
  std::erase_if(node.members, [](const Node::Member& m) { return m.second.tag == "!reset"; });
  for (auto& [key, value] : node.members) remove_reset(value);
  for (Node& item : node.items) remove_reset(item);
}

}  // namespace

yaml::Node merge(std::vector<yaml::Node> documents) {
  Node result = std::move(documents.front());
  for (std::size_t i = 1; i < documents.size(); ++i) merge_into(result, std::move(documents[i]), {});
  remove_reset(result);
  return result;
}

}  // namespace hivemind::hub::compose

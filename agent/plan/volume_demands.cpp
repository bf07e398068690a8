#include "agent/plan/volume_demands.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/plan/go_keys.h"

namespace hivemind::agent {
namespace {

using nlohmann::json;
using Kind = Demand::Kind;

bool is_one_of(const std::string& word, std::initializer_list<const char*> words) {
  return std::ranges::find(words, word) != words.end();
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    words.emplace_back(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return words;
}

// Of these kinds, none reads a path of the node, as long as no word turns the call into a bind, for which the
// kernel leaves the kind out of account.
bool is_no_path(const std::string& type) {
  return is_one_of(type, {"tmpfs", "nfs", "nfs4", "cifs", "smb3"});
}

void read_local_options(const std::map<std::string, std::string>& options, Demands& demands) {
  const auto option = [&](const char* name) {
    const auto found = options.find(name);
    return found == options.end() ? std::string() : found->second;
  };
  const std::string type = option("type"), device = option("device");
  bool is_bind = false;
  for (const std::string& word : words_of(option("o"))) {
    if (is_one_of(word, {"bind", "rbind"})) is_bind = true;
    if (is_one_of(word, {"move", "remount"}))
      return demands.push_back({Kind::kForeignFiles, "", fmt::format("mounts with option '{}'", word)});
  }
  if (is_bind) return demands.push_back({Kind::kBind, device, fmt::format("binds '{}'", device)});
  if (type.empty() && device.empty()) return;
  if (!is_no_path(type))
    demands.push_back({Kind::kForeignFiles, "", fmt::format("mounts '{}' as '{}'", device, type)});
}

void read_options(const json& options, Demands& demands) {
  if (options.is_null()) return;
  if (!options.is_object())
    return demands.push_back({Kind::kUnclear, "", "has driver options that cannot be read"});
  std::map<std::string, std::string> words;
  for (const auto& [name, value] : options.items()) {
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (text.find("@{hivemind-secret:") != std::string::npos)
      demands.push_back({Kind::kUnclear, "", fmt::format("has a secret in driver option '{}'", name)});
    if (!words.emplace(folded(name), text).second)
      demands.push_back({Kind::kUnclear, "", fmt::format("has driver option '{}' twice", name)});
  }
  read_local_options(words, demands);
}

void read_driver(const json& driver, Demands& demands) {
  if (driver.is_null() || driver == "" || driver == "local") return;
  demands.push_back({Kind::kForeignFiles, "", fmt::format("wants volume driver {}", driver.dump())});
}

}  // namespace

void read_volume(const json& body, Demands& demands) {
  each_member(body, "driver", [&](const json& driver) { read_driver(driver, demands); });
  each_member(body, "driveropts", [&](const json& options) { read_options(options, demands); });
  each_member(body, "clustervolumespec", [&](const json& cluster) {
    if (!cluster.empty()) demands.push_back({Kind::kForeignFiles, "", "is a volume of a cluster"});
  });
}

void read_volume_options(const json& options, Demands& demands) {
  if (!options.is_object()) return;
  each_member(options, "driverconfig", [&](const json& config) {
    if (config.is_null()) return;
    if (!config.is_object())
      return demands.push_back({Kind::kUnclear, "", "has a volume driver that cannot be read"});
    each_member(config, "name", [&](const json& driver) { read_driver(driver, demands); });
    each_member(config, "options", [&](const json& words) { read_options(words, demands); });
  });
}

}  // namespace hivemind::agent

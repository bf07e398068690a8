#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hub/desired/compose/print.h"
#include "hub/desired/compose/scalars/byte_size.h"
#include "hub/desired/compose/scalars/duration.h"

namespace hivemind::hub::compose {
namespace {

using nlohmann::json;

// How the reference prints what stands at a path: members that are read into nothing have no reader that
// would bring them into form.
enum class Shape {
  kWritten,    // as it is
  kTexts,      // a list of strings; alone, a string is one
  kArguments,  // a map; without value, the environment's or nothing at all
  kLabels,     // a map; without value, the empty string
  kPath,
  kContext,   // a path, or something with a scheme
  kContexts,  // a map of them
  kBytes,     // a string of digits
  kUlimits,
  kHosts,    // "host=address"
  kMounts,   // of secrets
  kPairs,    // "key=value", or the key alone
  kOptions,  // a map of lists of strings
  kNames,    // a list of names as a map
  kFlag,
  kText,
};

struct Place {
  std::string_view path;
  Shape shape;
};
constexpr Place kPlaces[] = {
    {"build.context", Shape::kContext},
    {"build.additional_contexts", Shape::kContexts},
    {"build.args", Shape::kArguments},
    {"build.labels", Shape::kLabels},
    {"build.cache_from", Shape::kTexts},
    {"build.cache_to", Shape::kTexts},
    {"build.no_cache_filter", Shape::kTexts},
    {"build.tags", Shape::kTexts},
    {"build.platforms", Shape::kTexts},
    {"build.extra_hosts", Shape::kHosts},
    {"build.secrets", Shape::kMounts},
    {"build.shm_size", Shape::kBytes},
    {"build.ulimits", Shape::kUlimits},
    {"build.ssh", Shape::kPairs},
    {"build.no_cache", Shape::kFlag},
    {"build.pull", Shape::kFlag},
    {"build.privileged", Shape::kFlag},
    {"build.provenance", Shape::kText},
    {"build.sbom", Shape::kText},
    {"deploy.labels", Shape::kLabels},
    {"develop.watch.path", Shape::kPath},
    {"develop.watch.ignore", Shape::kTexts},
    {"develop.watch.include", Shape::kTexts},
    {"develop.watch.initial_sync", Shape::kFlag},
    {"models", Shape::kNames},
    {"provider.options", Shape::kOptions},
    {"attach", Shape::kFlag},
    {"use_api_socket", Shape::kFlag},
};

Shape shape_at(std::string_view path) {
  const auto found = std::ranges::find(kPlaces, path, &Place::path);
  return found == std::end(kPlaces) ? Shape::kWritten : found->shape;
}

using TextPairs = std::vector<std::pair<std::string, std::optional<std::string>>>;

// Of a map or of a list of "key=value".
TextPairs pairs_of(const yaml::Node& node, char separator = '=') {
  TextPairs all;
  for (const auto& [key, value] : node.members) {
    all.emplace_back(key.scalar, value.is_null() ? std::nullopt : std::optional(value.printed()));
  }
  for (const yaml::Node& item : node.items) {
    const std::string text = item.printed();
    const std::size_t at = text.find(separator);
    all.emplace_back(text.substr(0, at),
                     at == std::string::npos ? std::nullopt : std::optional(text.substr(at + 1)));
  }
  if (node.is_scalar()) all.emplace_back(node.scalar, std::nullopt);
  return all;
}

class PassedOnPrinter {
 public:
  PassedOnPrinter(const Project& project, const Environment& environment)
      : project_(project), environment_(environment) {}

  json print(const yaml::Node& node, const std::string& path) const {
    const Shape shape = shape_at(path);
    if (shape != Shape::kWritten && !node.is_null()) return shaped(node, shape);
    if (node.is_map()) {
      json into = json::object();
      for (const auto& [key, value] : node.members) {
        if (!key.scalar.starts_with("x-")) into[key.scalar] = print(value, path + "." + key.scalar);
      }
      return into;
    }
    if (node.is_sequence()) {
      json into = json::array();
      for (const yaml::Node& item : node.items) into.push_back(print(item, path));
      return into;
    }
    return print_node(node);
  }

 private:
  json shaped(const yaml::Node& node, Shape shape) const {
    switch (shape) {
      case Shape::kWritten:
        return print_node(node);
      case Shape::kTexts:
        return texts(node);
      case Shape::kArguments:
        return arguments(node);
      case Shape::kLabels:
        return labels(node);
      case Shape::kPath:
        return project_.printed_path(node.scalar);
      case Shape::kContext:
        return print_context(node.scalar, project_);
      case Shape::kContexts:
        return contexts(node);
      case Shape::kBytes:
        return bytes(node);
      case Shape::kUlimits:
        return ulimits(node);
      case Shape::kHosts:
        return hosts(node);
      case Shape::kMounts:
        return mounts(node);
      case Shape::kPairs:
        return pairs(node);
      case Shape::kOptions:
        return options(node);
      case Shape::kNames:
        return names(node);
      case Shape::kFlag:
        return node.scalar == "true" || node.scalar == "True" || node.scalar == "yes" || node.scalar == "on";
      case Shape::kText:
        return node.printed();
    }
    return nullptr;
  }

  json texts(const yaml::Node& node) const {
    json into = json::array();
    if (node.is_scalar()) into.push_back(node.printed());
    for (const yaml::Node& item : node.items) into.push_back(item.printed());
    return into;
  }

  json arguments(const yaml::Node& node) const {
    json into = json::object();
    for (const auto& [name, given] : pairs_of(node)) {
      const auto value = given ? given : environment_.get(name);
      if (value) into[name] = *value;
    }
    return into;
  }

  json labels(const yaml::Node& node) const {
    json into = json::object();
    for (const auto& [name, value] : pairs_of(node)) into[name] = value.value_or("");
    return into;
  }

  json contexts(const yaml::Node& node) const {
    json into = json::object();
    for (const auto& [name, value] : pairs_of(node)) into[name] = print_context(value.value_or(""), project_);
    return into;
  }

  json bytes(const yaml::Node& node) const {
    const auto size = parse_byte_size(node.printed());
    return size ? std::to_string(*size) : node.printed();
  }

  json ulimits(const yaml::Node& node) const {
    json into = json::object();
    for (const auto& [name, value] : node.members) into[name.scalar] = print_node(value);
    return into;
  }

  json hosts(const yaml::Node& node) const {
    json into = json::array();
    for (const auto& [host, address] : pairs_of(node)) {
      const std::size_t colon = address ? std::string::npos : host.find(':');
      into.push_back(colon == std::string::npos ? host + "=" + address.value_or("")
                                                : host.substr(0, colon) + "=" + host.substr(colon + 1));
    }
    return into;
  }

  json mounts(const yaml::Node& node) const {
    json into = json::array();
    for (const yaml::Node& item : node.items) {
      json one = item.is_map() ? print_node(item) : json{{"source", item.scalar}};
      if (one.contains("mode") && one["mode"].is_number_integer())
        one["mode"] = fmt::format("{:04o}", one["mode"].get<std::int64_t>());
      if (!one.contains("target") && one.contains("source")) {
        one["target"] = "/run/secrets/" + one["source"].get<std::string>();
      }
      into.push_back(std::move(one));
    }
    return into;
  }

  json options(const yaml::Node& node) const {
    json into = json::object();
    for (const auto& [name, value] : node.members) into[name.scalar] = texts(value);
    return into;
  }

  json names(const yaml::Node& node) const {
    if (!node.is_sequence()) return print_node(node);
    json into = json::object();
    for (const yaml::Node& item : node.items) into[item.scalar] = nullptr;
    return into;
  }

  json pairs(const yaml::Node& node) const {
    json into = json::array();
    for (const auto& [key, value] : pairs_of(node)) into.push_back(value ? key + "=" + *value : key);
    return into;
  }

  const Project& project_;
  const Environment& environment_;
};

void complete_build(json& build, const Project& project) {
  if (build.is_string()) build = json{{"context", print_context(build.get<std::string>(), project)}};
  if (!build.is_object()) return;
  if (!build.contains("context")) build["context"] = project.printed_path(".");
  if (!build.contains("dockerfile") && !build.contains("dockerfile_inline"))
    build["dockerfile"] = "Dockerfile";
}

// Empty maps are left out, as those of the reference's arguments and labels are.
void drop_empty(json& build) {
  if (!build.is_object()) return;
  for (const char* key : {"args", "labels", "additional_contexts"}) {
    if (build.contains(key) && build[key].empty()) build.erase(key);
  }
}

void complete_develop(json& develop) {
  if (!develop.is_object() || !develop.contains("watch")) return;
  for (json& trigger : develop["watch"]) {
    if (trigger.is_object() && !trigger.contains("exec")) trigger["exec"] = {{"command", nullptr}};
  }
}

}  // namespace

std::string print_context(const std::string& text, const Project& project) {
  const bool elsewhere = text.find("://") != std::string::npos || text.starts_with("git@") ||
                         text.starts_with("github.com/") || text.starts_with("service:");
  return elsewhere ? text : project.printed_path(text);
}

std::vector<std::string> build_secrets(const Service& service) {
  std::vector<std::string> all;
  for (const auto& [path, value] : service.passed_on) {
    const yaml::Node* secrets = path.size() == 1 && path.front() == "build" ? value.find("secrets") : nullptr;
    if (secrets == nullptr) continue;
    for (const yaml::Node& item : secrets->items) {
      const yaml::Node* source = item.is_map() ? item.find("source") : &item;
      if (source != nullptr) all.push_back(source->scalar);
    }
  }
  return all;
}

void print_passed_on(const Service& service, const Project& project, const Environment& environment,
                     json& into) {
  const PassedOnPrinter printer(project, environment);
  for (const auto& [path, value] : service.passed_on) {
    json* place = &into;
    for (const std::string& key : path) {
      if (!place->is_object() && !place->is_null()) break;
      place = &(*place)[key];
    }
    if (place->is_null()) *place = printer.print(value, fmt::format("{}", fmt::join(path, ".")));
  }
  if (into.contains("build")) {
    complete_build(into["build"], project);
    drop_empty(into["build"]);
  }
  if (into.contains("develop")) complete_develop(into["develop"]);
}

}  // namespace hivemind::hub::compose

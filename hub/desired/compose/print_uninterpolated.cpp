#include <cmath>
#include <string_view>

#include "hub/desired/compose/keys/mounts.h"
#include "hub/desired/compose/print.h"

// As in the reference, the canonical form is made of the document, not of a model that was read: a variable
// may stand where a number is wanted. Nothing is refused; what has not the form that it must have stays.
namespace hivemind::hub::compose {
namespace {

using nlohmann::json;

// The member of a map; null when there is no such map or member.
json* find(json& map, const char* key) {
  if (!map.is_object()) return nullptr;
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &*found;
}

std::string text_at(json& map, const char* key) {
  const json* found = find(map, key);
  return found != nullptr && found->is_string() ? found->get<std::string>() : "";
}

void set_default(json& map, const char* key, const json& value) {
  if (map.is_object() && !map.contains(key)) map[key] = value;
}

template <typename Change>
void for_each(json* list_or_map, Change change) {
  if (list_or_map == nullptr || !list_or_map->is_structured()) return;
  for (json& item : *list_or_map) change(item);
}

void make_list(json* value) {
  if (value != nullptr && value->is_string()) *value = json::array({*value});
}

void make_map(json& value, const char* key) {
  if (value.is_string()) value = json{{key, value}};
}

// A list of names; each has the value.
void make_names(json* names, const json& value) {
  if (names == nullptr || !names->is_array()) return;
  json map = json::object();
  for (const json& name : *names) {
    if (name.is_string()) map[name.get<std::string>()] = value;
  }
  *names = std::move(map);
}

// A list of "KEY=VALUE", or of keys alone where these may stand.
enum class Alone { kNo, kYes };
void make_pairs(json* pairs, Alone alone) {
  if (pairs == nullptr || !pairs->is_array()) return;
  json map = json::object();
  for (const json& item : *pairs) {
    const std::string text = item.is_string() ? item.get<std::string>() : item.dump();
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos && alone == Alone::kNo) return;
    map[text.substr(0, equals)] = equals == std::string::npos ? json(nullptr) : json(text.substr(equals + 1));
  }
  *pairs = std::move(map);
}

// Whole numbers are printed as such, however they are written.
void print_numbers(json& value) {
  if (value.is_structured()) {
    for (json& item : value) print_numbers(item);
  } else if (value.is_number_float()) {
    constexpr double kExact = 1e15;
    const double number = value.get<double>();
    if (std::abs(number) < kExact && number == std::floor(number)) value = static_cast<std::int64_t>(number);
  }
}

yaml::Node text_node(const json& value) {
  yaml::Node node;
  node.kind = yaml::Kind::kScalar;
  node.scalar = value.is_string() ? value.get<std::string>() : value.dump();
  return node;
}

// "volume[:options]", "service[:alias]": what is before the colon.
std::string before_colon(const json& item) {
  const std::string text = item.is_string() ? item.get<std::string>() : "";
  return text.substr(0, text.find(':'));
}

// What the readers of short forms say is not asked for: what they do not take is left as it is.
class Scratch {
 public:
  Reader& reader() { return reader_; }
  bool failed() const { return has_errors(diagnostics_); }

 private:
  const std::string stack_;
  Diagnostics diagnostics_;
  Reader reader_{stack_, diagnostics_};
};

// Where the text of one entry cannot be taken apart, all stay as they are written.
void make_ports(json* ports) {
  if (ports == nullptr || !ports->is_array()) return;
  json all = json::array();
  const auto reads = std::ranges::find(kPorts.fields, "ports", &Field<Service>::key);
  for (const json& item : *ports) {
    if (item.is_object()) {
      all.push_back(item);
      continue;
    }
    yaml::Node list;
    list.kind = yaml::Kind::kSequence;
    list.items.push_back(text_node(item));
    Service service;
    Scratch scratch;
    reads->read(list, service, scratch.reader());
    if (scratch.failed()) return;
    json printed;
    kPorts.print(service, Project{}, printed);
    for (const json& one : printed["ports"]) all.push_back(one);
  }
  *ports = std::move(all);
}

json device(const std::string& text) {
  const std::size_t first = text.find(':');
  const std::string source = text.substr(0, first);
  json into = {{"source", source}, {"target", source}, {"permissions", "rwm"}};
  if (first == std::string::npos) return into;
  const std::size_t second = text.find(':', first + 1);
  into["target"] = text.substr(first + 1, second == std::string::npos ? second : second - first - 1);
  if (second != std::string::npos) into["permissions"] = text.substr(second + 1);
  if (into["target"] == "") into["target"] = source;
  return into;
}

// A service that others are started for, unless the file says so itself.
void depend(json& service, const std::string& on, const json& restart) {
  if (on.empty()) return;
  json& all = service["depends_on"];
  if (!all.is_object()) all = json::object();
  if (!all.contains(on))
    all[on] = {{"condition", "service_started"}, {"restart", restart}, {"required", true}};
}

void complete_dependencies(json& service) {
  make_names(find(service, "depends_on"), json::object());
  for_each(find(service, "depends_on"), [](json& one) {
    set_default(one, "condition", "service_started");
    set_default(one, "required", true);
  });
  for_each(find(service, "links"), [&](const json& link) { depend(service, before_colon(link), true); });
  for (const char* key : {"network_mode", "ipc", "pid", "uts", "cgroup"}) {
    constexpr std::string_view kPrefix = "service:";
    const std::string mode = text_at(service, key);
    if (mode.starts_with(kPrefix)) depend(service, mode.substr(kPrefix.size()), true);
  }
  for_each(find(service, "volumes_from"), [&](const json& from) {
    const std::string name = before_colon(from);
    if (name != "container") depend(service, name, false);
  });
}

class UninterpolatedPrinter {
 public:
  explicit UninterpolatedPrinter(const Project& place) : place_(place) {}

  void complete(json& model) const {
    model.erase("version");
    model["name"] = place_.name;
    bool on_default = false;
    for_each(find(model, "services"), [&](json& service) {
      if (!service.is_object()) return;
      complete_service(service);
      on_default = complete_networks(service) || on_default;
    });
    if (on_default && !model["networks"].contains("default")) model["networks"]["default"] = nullptr;
    for (const char* kind : {"networks", "volumes", "configs", "secrets"}) complete_resources(model, kind);
  }

 private:
  void make_absolute(json* path) const {
    if (path == nullptr || !path->is_string()) return;
    const std::string text = path->get<std::string>();
    if (!text.empty() && !text.starts_with('/') && !is_windows_path(text)) *path = place_.printed_path(text);
  }

  void make_context(json* context) const {
    if (context == nullptr || !context->is_string()) return;
    const std::string text = context->get<std::string>();
    if (!text.starts_with('/')) *context = print_context(text, place_);
  }

  void complete_service(json& service) const {
    complete_dependencies(service);
    if (json* build = find(service, "build")) complete_build(*build);
    for (const char* key : {"label_file", "dns"}) make_list(find(service, key));
    if (json* dns = find(service, "dns"); dns != nullptr && dns->is_array())
      std::erase_if(dns->get_ref<json::array_t&>(),
                    [](const json& one) { return one == "" || one.is_null(); });
    for (const char* key : {"networks", "models"}) make_names(find(service, key), nullptr);
    make_ports(find(service, "ports"));
    for_each(find(service, "ports"), [](json& port) {
      set_default(port, "protocol", "tcp");
      set_default(port, "mode", "ingress");
    });
    complete_files(service);
    complete_mounts(service);
    complete_devices(service);
    for_each(find(service, "develop") == nullptr ? nullptr : find(service["develop"], "watch"),
             [&](json& one) {
               make_absolute(find(one, "path"));
               for (const char* key : {"ignore", "include"}) make_list(find(one, key));
             });
    if (text_at(service, "pull_policy") == "if_not_present") service["pull_policy"] = "missing";
  }

  void complete_build(json& build) const {
    make_map(build, "context");
    if (!build.is_object()) return;
    set_default(build, "context", ".");
    make_context(&build["context"]);
    if (!build.contains("dockerfile_inline")) set_default(build, "dockerfile", "Dockerfile");
    make_pairs(find(build, "additional_contexts"), Alone::kNo);
    for_each(find(build, "additional_contexts"), [&](json& one) { make_context(&one); });
    make_pairs(find(build, "ssh"), Alone::kYes);
    for_each(find(build, "ssh"), [&](json& one) { make_absolute(&one); });
    for_each(find(build, "secrets"), [](json& one) { make_map(one, "source"); });
    for (const char* key : {"provenance", "sbom"}) {
      json* value = find(build, key);
      if (value != nullptr && !value->is_string()) *value = value->dump();
    }
    if (json* arguments = find(build, "args")) drop_without_value(*arguments);
  }

  // Arguments without a value would be those of an environment, which is a variable, too.
  static void drop_without_value(json& arguments) {
    json kept = arguments.is_array() ? json() : json::object();
    for (const auto& [key, value] : arguments.items()) {
      if (arguments.is_object() && !value.is_null()) kept[key] = value;
      if (arguments.is_array() && value.is_string() &&
          value.get<std::string>().find('=') != std::string::npos)
        kept.push_back(value);
    }
    arguments = std::move(kept);
  }

  void complete_files(json& service) const {
    make_list(find(service, "env_file"));
    for_each(find(service, "env_file"), [&](json& file) {
      make_map(file, "path");
      set_default(file, "required", true);
      make_absolute(find(file, "path"));
    });
    for_each(find(service, "label_file"), [&](json& file) { make_absolute(&file); });
    for (const char* key : {"secrets", "configs"}) {
      for_each(find(service, key), [](json& one) { make_map(one, "source"); });
    }
    for_each(find(service, "secrets"),
             [](json& one) { set_default(one, "target", "/run/secrets/" + text_at(one, "source")); });
  }

  void complete_mounts(json& service) const {
    for_each(find(service, "volumes"), [&](json& mount) {
      if (mount.is_string()) make_mount(mount);
      if (text_at(mount, "type") == "bind") make_absolute(find(mount, "source"));
      if (const std::string target = text_at(mount, "target"); !target.empty())
        mount["target"] = clean_target(target);
    });
  }

  void make_mount(json& mount) const {
    Scratch scratch;
    auto read = read_short_mount(text_node(mount), scratch.reader());
    if (!read) return;
    Service service;
    service.mounts.mounts.push_back(std::move(*read));
    json printed;
    print_mounts(service, place_, printed);
    mount = printed["volumes"][0];
  }

  static void complete_devices(json& service) {
    for_each(find(service, "devices"), [](json& one) {
      if (one.is_string()) one = device(one.get<std::string>());
    });
    json* gpus = find(service, "gpus");
    if (gpus != nullptr && gpus->is_string()) *gpus = json::array({{{"count", "all"}}});
    const auto complete = [](json& request) {
      if (!request.contains("device_ids")) set_default(request, "count", "all");
    };
    for_each(gpus, complete);
    json* place = &service;
    for (const char* key : {"deploy", "resources", "reservations", "devices"}) {
      place = place == nullptr ? nullptr : find(*place, key);
    }
    for_each(place, complete);
  }

  // Whether it is on the network 'default'.
  static bool complete_networks(json& service) {
    if (service.contains("network_mode") || service.contains("provider")) return false;
    json* networks = find(service, "networks");
    if (networks == nullptr || networks->empty()) service["networks"] = {{"default", nullptr}};
    return service["networks"].contains("default");
  }

  void complete_resources(json& model, const char* kind) const {
    json* all = find(model, kind);
    if (all == nullptr || !all->is_object()) return;
    for (auto& [key, resource] : all->items()) {
      if (resource.is_null()) resource = json::object();
      if (!resource.is_object()) continue;
      complete_external(resource);
      const json* external = find(resource, "external");
      const bool own_name = external != nullptr && *external == true;
      set_default(resource, "name", own_name ? key : place_.name + "_" + key);
      make_absolute(find(resource, "file"));
      if (text_at(resource, "driver") != "local" || !resource.contains("driver_opts")) continue;
      json& options = resource["driver_opts"];
      if (text_at(options, "o") == "bind") make_absolute(find(options, "device"));
    }
  }

  // The old form, 'external: {name: …}'.
  static void complete_external(json& resource) {
    json* external = find(resource, "external");
    if (external == nullptr || !external->is_object()) return;
    const std::string name = text_at(*external, "name");
    *external = true;
    if (!name.empty()) set_default(resource, "name", name);
  }

  const Project& place_;
};

}  // namespace

// But for what is left of 'dns' when nothing of it has a value.
void empty_lists_as_nothing(json& value, const std::string& key) {
  if (value.is_object()) {
    for (auto& [name, item] : value.items()) empty_lists_as_nothing(item, name);
  } else if (value.is_array() && !value.empty()) {
    for (json& item : value) empty_lists_as_nothing(item, "");
  } else if (value.is_array() && key != "dns") {
    value = nullptr;
  }
}

json print_uninterpolated(const yaml::Node& document, const Project& place) {
  json model = print_node(document);
  print_numbers(model);
  UninterpolatedPrinter(place).complete(model);
  return model;
}

}  // namespace hivemind::hub::compose

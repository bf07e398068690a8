#include "agent/adopt/compare.h"

#include <set>

#include "agent/adopt/normal_form.h"
#include "common/error.h"

namespace hivemind::agent {
namespace {

using nlohmann::json;

json parsed(std::string_view text, ErrorCode code, const char* what) {
  json value = json::parse(text.begin(), text.end(), nullptr, false);
  if (!value.is_object()) throw Error(code, "{} is no JSON object", what);
  return value;
}

json inspection(std::string_view text) {
  return parsed(text, ErrorCode::kCorrupt, "the engine's inspection");
}

std::string shown(const json& value) {
  return value.is_null() ? "" : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

const json& member(const json& object, const std::string& key) {
  static const json kNothing;
  const auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}

// Maps are descended into; everything else is one field.
void compare(const json& ours, const json& theirs, const std::string& path, Comparison& into) {
  const bool descends = (ours.is_object() || ours.is_null()) && (theirs.is_object() || theirs.is_null());
  if (!descends) {
    ++into.fields;
    if (ours != theirs) into.differences.push_back({path, shown(ours), shown(theirs)});
    return;
  }
  std::set<std::string> keys;
  for (const json* side : {&ours, &theirs}) {
    for (const auto& [key, value] : side->items()) keys.insert(key);
  }
  for (const std::string& key : keys) {
    const json& left = ours.is_object() ? member(ours, key) : json();
    const json& right = theirs.is_object() ? member(theirs, key) : json();
    compare(left, right, path.empty() ? key : path + "." + key, into);
  }
}

Comparison compared(const json& ours, const json& theirs) {
  Comparison comparison;
  compare(ours, theirs, "", comparison);
  return comparison;
}

void forget_subnets(json& network) {
  if (const auto ipam = network.find("IPAM"); ipam != network.end() && ipam->is_object())
    ipam->erase("Config");
  if (const auto ipam = network.find("IPAM"); ipam != network.end() && ipam->empty()) network.erase(ipam);
}

}  // namespace

Comparison compare_containers(std::string_view ours, std::string_view theirs) {
  return compared(normal_container(inspection(ours)), normal_container(inspection(theirs)));
}

Comparison compare_networks(std::string_view ours, std::string_view theirs, Subnets subnets) {
  json left = normal_network(inspection(ours));
  json right = normal_network(inspection(theirs));
  if (subnets == Subnets::kChosen) {
    forget_subnets(left);
    forget_subnets(right);
  }
  return compared(left, right);
}

Comparison compare_volumes(std::string_view ours, std::string_view theirs) {
  return compared(normal_volume(inspection(ours)), normal_volume(inspection(theirs)));
}

std::string inspection_of_network_body(std::string_view body) {
  return parsed(body, ErrorCode::kInvalid, "the body of a network").dump();
}

std::string inspection_of_volume_body(std::string_view body) {
  json volume = parsed(body, ErrorCode::kInvalid, "the body of a volume");
  if (const auto options = volume.find("DriverOpts"); options != volume.end()) {
    const json moved = *options;
    volume["Options"] = moved;
  }
  return volume.dump();
}

Subnets subnets_of(std::string_view network_body) {
  const json body = parsed(network_body, ErrorCode::kInvalid, "the body of a network");
  const json& ipam = member(body, "IPAM");
  if (!ipam.is_object()) return Subnets::kChosen;
  const json& config = member(ipam, "Config");
  return config.is_array() && !config.empty() ? Subnets::kGiven : Subnets::kChosen;
}

}  // namespace hivemind::agent

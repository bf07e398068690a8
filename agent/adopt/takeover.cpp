#include "agent/adopt/takeover.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "agent/plan/slots.h"
#include "agent/plan/utf8.h"
#include "common/digest.h"

namespace hivemind::agent {
namespace {

constexpr std::size_t kMostDifferences = 60;  // of one thing
constexpr std::size_t kLongestValue = 300;
constexpr std::string_view kVariables = "Config.Env.";
// A config hash that no release has: what carries it is replaced.
constexpr const char* kOtherwise = "docker-compose";

// All variables at once where neither side has an object to descend into.
bool is_of_environment(std::string_view path) {
  return path == "Config.Env" || path.starts_with(kVariables);
}

std::string shown(const Difference& difference, const std::string& value) {
  if (is_of_environment(difference.path)) return value.empty() ? "" : "(not shown)";
  return value.size() <= kLongestValue ? value : std::string(front_of(value, kLongestValue)) + "…";
}

void add_differences(v1::AdoptionItem& item, const std::vector<Difference>& differences) {
  for (const Difference& one : differences) {
    if (static_cast<std::size_t>(item.differences_size()) == kMostDifferences) break;
    v1::FieldDifference& field = *item.add_differences();
    field.set_field(one.path);
    field.set_now(shown(one, one.theirs));
    field.set_then(shown(one, one.ours));
  }
}

// What is shown, with the values that are not, and what it is about.
std::string digest_of(const Found& found) {
  std::string text = found.stack->digest + "\n";
  const auto add = [&](const std::string& id, const std::vector<Difference>& differences) {
    text += id + "\n";
    for (const Difference& one : differences)
      text += fmt::format("  {}\x1f{}\x1f{}\n", one.path, one.ours, one.theirs);
  };
  for (const TakenContainer& one : found.containers)
    add(fmt::format("{} {} {}", one.container.id, one.container.name, one.is_surplus), one.differences);
  for (const TakenNetwork& one : found.networks) add(one.network.id, one.differences);
  for (const TakenVolume& one : found.volumes)
    add(fmt::format("{} {}", one.desired->name, one.is_there), one.differences);
  for (const std::string& name : found.missing_containers) text += name + "\n";
  for (const std::string& name : found.missing_networks) text += name + "\n";
  return sha256_hex(text).substr(0, 16);
}

bool changes(const TakenContainer& container) {
  return container.service != nullptr && !container.is_surplus && !container.differences.empty();
}

void follow_networks(Found& found) {
  for (const TakenNetwork& network : found.networks) {
    if (network.desired == nullptr || network.differences.empty()) continue;
    for (TakenContainer& one : found.containers) {
      if (one.service == nullptr || !one.differences.empty()) continue;
      const auto& endpoints = one.service->endpoints;
      if (std::ranges::find(endpoints, network.network.name, &DesiredEndpoint::network) == endpoints.end())
        continue;
      one.differences.push_back(
          {"Networks." + network.network.name, "\"the new one\"", "\"the present one\""});
    }
  }
}

// Returns whether anything was added: what follows may be followed itself.
bool follow_bases(Found& found) {
  std::set<std::string> replaced;
  for (const TakenContainer& one : found.containers) {
    if (changes(one)) replaced.insert(one.service->name);
  }
  bool added = false;
  for (TakenContainer& one : found.containers) {
    if (one.service == nullptr || one.is_surplus || !one.differences.empty()) continue;
    for (const std::string& base : one.service->bases()) {
      if (!replaced.contains(base) || !one.differences.empty()) continue;
      one.differences.push_back({"container of '" + base + "'", "\"the new one\"", "\"the present one\""});
      added = true;
    }
  }
  return added;
}

v1::AdoptionItem item_of(const TakenContainer& one) {
  v1::AdoptionItem item;
  item.set_kind(v1::AdoptionItem::CONTAINER);
  item.set_name(one.container.name);
  item.set_service(std::string(label_of(one.container.labels, labels::kComposeService)));
  if (one.service == nullptr) {
    item.set_verdict(v1::AdoptionItem::EXTRA);
    item.set_text(fmt::format("the stack has no such service: it is left alone (remove it: docker rm -f {})",
                              one.container.name));
    return item;
  }
  if (one.is_surplus) {
    item.set_verdict(v1::AdoptionItem::SURPLUS);
    item.set_text(
        fmt::format("the stack has {} of it: it will be stopped and removed", one.service->replicas));
    return item;
  }
  item.set_verdict(one.differences.empty() ? v1::AdoptionItem::EQUAL : v1::AdoptionItem::DIFFERS);
  if (!one.differences.empty()) {
    item.set_text("it will be replaced");
  } else if (!one.is_running) {
    item.set_text("it does not run, and will be started if it should");
  }
  add_differences(item, one.differences);
  return item;
}

v1::AdoptionItem item_of(const TakenNetwork& one) {
  v1::AdoptionItem item;
  item.set_kind(v1::AdoptionItem::NETWORK);
  item.set_name(one.network.name);
  if (one.desired == nullptr) {
    item.set_verdict(v1::AdoptionItem::EXTRA);
    item.set_text("the stack has no such network: it is left alone");
    return item;
  }
  item.set_verdict(one.differences.empty() ? v1::AdoptionItem::EQUAL : v1::AdoptionItem::DIFFERS);
  if (!one.differences.empty()) item.set_text("it will be made anew, with all containers on it");
  add_differences(item, one.differences);
  return item;
}

v1::AdoptionItem item_of(const TakenVolume& one) {
  v1::AdoptionItem item;
  item.set_kind(v1::AdoptionItem::VOLUME);
  item.set_name(one.desired->name);
  if (!one.is_there) {
    item.set_verdict(v1::AdoptionItem::MISSING);
    return item;
  }
  item.set_verdict(one.differences.empty() ? v1::AdoptionItem::EQUAL : v1::AdoptionItem::DIFFERS);
  if (!one.differences.empty()) item.set_text("it is kept as it is: volumes are never made anew");
  add_differences(item, one.differences);
  return item;
}

v1::AdoptionItem missing(v1::AdoptionItem::Kind kind, const std::string& name) {
  v1::AdoptionItem item;
  item.set_kind(kind);
  item.set_verdict(v1::AdoptionItem::MISSING);
  item.set_name(name);
  return item;
}

void remember(Adopted& adopted, const std::string& id, std::map<std::string, std::string> labels,
              bool equal) {
  if (!equal) labels[labels::kConfigHash] = kOtherwise;
  adopted[id] = std::move(labels);
}

}  // namespace

Takeover takeover_of(Found found) {
  follow_networks(found);
  while (follow_bases(found)) continue;
  Takeover takeover;
  takeover.adoption.set_stack(found.stack->name);
  takeover.adoption.set_digest(digest_of(found));
  auto& items = *takeover.adoption.mutable_items();
  for (const TakenContainer& one : found.containers) {
    *items.Add() = item_of(one);
    if (one.service != nullptr)
      remember(takeover.adopted, one.container.id, one.labels, one.differences.empty());
  }
  for (const std::string& name : found.missing_containers)
    *items.Add() = missing(v1::AdoptionItem::CONTAINER, name);
  for (const TakenNetwork& one : found.networks) {
    *items.Add() = item_of(one);
    if (one.desired != nullptr)
      remember(takeover.adopted, one.network.id, one.labels, one.differences.empty());
  }
  for (const std::string& name : found.missing_networks)
    *items.Add() = missing(v1::AdoptionItem::NETWORK, name);
  for (const TakenVolume& one : found.volumes) *items.Add() = item_of(one);
  return takeover;
}

}  // namespace hivemind::agent

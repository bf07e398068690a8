#include "hub/api/trust_view.h"

#include <map>

#include "hub/api/views.h"

namespace hivemind::hub::api {
namespace {

using nlohmann::json;

json key_view(const TrustStatus::Key& key) {
  return {{"id", key.id}, {"fingerprint", key.fingerprint}, {"made_at", rfc3339(key.made_at_ms)}};
}

// Those that say which key they obey. One that was revoked gets no new key, and need not.
json nodes_view(const TrustStatus& trust, const std::string& newest, const Inventory& inventory) {
  std::size_t following = 0;
  json others = json::array();
  for (const auto& [id, node] : inventory.nodes()) {
    if (node.membership == Membership::kRevoked) continue;
    const std::string key = node.report ? node.report->hub_key() : "";
    if (key == newest) ++following;
    if (!key.empty() && key != newest)
      others.push_back({{"node", id}, {"key", key}, {"foreign", !trust.has_key(key)}});
  }
  return {{"following", following}, {"others", std::move(others)}};
}

// Keys that nodes obey and this hub never had: how many nodes, and the first of them.
json foreign_keys_view(const TrustStatus& trust, const Inventory& inventory) {
  std::map<std::string, std::pair<std::size_t, std::string>> keys;
  for (const auto& [id, node] : inventory.nodes()) {
    const std::string key = node.report ? node.report->hub_key() : "";
    if (key.empty() || node.membership == Membership::kRevoked || trust.has_key(key)) continue;
    const auto one = keys.try_emplace(key, 0, id).first;
    ++one->second.first;
  }
  json list = json::array();
  for (const auto& [key, nodes] : keys)
    list.push_back({{"key", key}, {"nodes", nodes.first}, {"node", nodes.second}});
  return list;
}

}  // namespace

json trust_status_view(const TrustStatus& trust, const Inventory& inventory) {
  return {{"key", trust.keys.empty() ? "" : trust.keys.back().id},
          {"held", trust.held_since_ms != 0},
          {"held_since", rfc3339(trust.held_since_ms)},
          {"text", trust.held_text},
          {"foreign_keys", foreign_keys_view(trust, inventory)}};
}

json trust_view(const TrustStatus& trust, const Inventory& inventory) {
  json view = trust_status_view(trust, inventory);
  view["fingerprint"] = trust.keys.empty() ? "" : trust.keys.back().fingerprint;
  view["public_key"] =
      trust.keys.empty() ? "" : trust.keys.back().text.substr(0, trust.keys.back().text.find('\n'));
  view["made_at"] = trust.keys.empty() ? "" : rfc3339(trust.keys.back().made_at_ms);
  view["keys"] = json::array();
  for (auto key = trust.keys.rbegin(); key != trust.keys.rend(); ++key)
    view["keys"].push_back(key_view(*key));
  view["nodes"] = nodes_view(trust, view["key"], inventory);
  view["ahead"] = json::array();
  for (const TrustStatus::Ahead& one : trust.ahead)
    view["ahead"].push_back({{"node", one.node}, {"generation", one.generation}, {"known", one.known}});
  return view;
}

}  // namespace hivemind::hub::api

#include "hub/api/trust_view.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "hub/api/views.h"
#include "tests/support/catch.h"
#include "tests/unit/api/fake_operations.h"

using namespace hivemind;
using namespace hivemind::hub;
using nlohmann::json;

namespace {

TrustStatus rotated() {
  TrustStatus trust;
  trust.keys = {{"aaaa", "aa00", "hivemind-ed25519 AAA=\n", 0},
                {"bbbb", "bb00", "hivemind-ed25519 BBB=\n", 1000}};
  return trust;
}

void add_node(Inventory& fleet, const std::string& id, const std::string& key) {
  v1::Report report;
  report.set_hub_key(key);
  fleet.node(id).report = std::make_shared<const v1::Report>(std::move(report));
}

}  // namespace

TEST_CASE("trust shows the key in force, those before it, and who does not follow yet") {
  Inventory fleet;
  add_node(fleet, "pi-1", "bbbb");
  add_node(fleet, "pi-2", "aaaa");
  add_node(fleet, "pi-3", "");
  add_node(fleet, "pi-4", "cccc");
  const json view = api::trust_view(rotated(), fleet);
  CHECK(view["key"] == "bbbb");
  CHECK(view["fingerprint"] == "bb00");
  CHECK(view["public_key"] == "hivemind-ed25519 BBB=");
  CHECK(view["made_at"] == "1970-01-01T00:00:01.000Z");
  CHECK(view["keys"].size() == 2);
  CHECK(view["keys"][1]["id"] == "aaaa");
  CHECK(view["keys"][1]["made_at"] == "");
  CHECK(view["nodes"]["following"] == 1);
  CHECK(view["nodes"]["others"] == json::array({{{"node", "pi-2"}, {"key", "aaaa"}, {"foreign", false}},
                                                {{"node", "pi-4"}, {"key", "cccc"}, {"foreign", true}}}));
  CHECK(view["held"] == false);
}

TEST_CASE("a hub that holds back says so in its status, and which nodes are ahead") {
  HubStatus status;
  status.trust = rotated();
  status.trust.held_since_ms = 1000;
  status.trust.held_text = "why";
  status.trust.ahead = {{"pi-1", 41, 17}};
  const json view = api::status_view(status, Inventory(), std::chrono::steady_clock::now());
  CHECK(view["trust"] == json({{"key", "bbbb"},
                               {"held", true},
                               {"held_since", "1970-01-01T00:00:01.000Z"},
                               {"text", "why"},
                               {"foreign_keys", json::array()}}));
  CHECK(api::trust_view(status.trust, Inventory())["ahead"] ==
        json::array({{{"node", "pi-1"}, {"generation", 41}, {"known", 17}}}));
}

TEST_CASE("the status tells which keys nodes obey that the hub never had") {
  Inventory fleet;
  add_node(fleet, "pi-1", "aaaa");
  add_node(fleet, "pi-2", "bbbb");
  add_node(fleet, "pi-3", "dddd");
  add_node(fleet, "pi-4", "cccc");
  add_node(fleet, "pi-5", "cccc");
  add_node(fleet, "pi-6", "eeee");
  fleet.node("pi-6").membership = Membership::kRevoked;
  HubStatus status;
  status.trust = rotated();
  const json view = api::status_view(status, fleet, std::chrono::steady_clock::now());
  CHECK(view["trust"]["foreign_keys"] == json::array({{{"key", "cccc"}, {"nodes", 2}, {"node", "pi-4"}},
                                                      {{"key", "dddd"}, {"nodes", 1}, {"node", "pi-3"}}}));
}

TEST_CASE("who was revoked follows no key, and is not waited for") {
  Inventory fleet;
  add_node(fleet, "pi-1", "bbbb");
  for (const char* id : {"pi-2", "pi-3"}) fleet.node(id).membership = Membership::kRevoked;
  add_node(fleet, "pi-2", "aaaa");
  add_node(fleet, "pi-3", "bbbb");
  const json view = api::trust_view(rotated(), fleet);
  CHECK(view["nodes"]["following"] == 1);
  CHECK(view["nodes"]["others"].empty());
}

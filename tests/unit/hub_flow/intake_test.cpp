#include "hub/intake.h"

#include <limits>

#include "common/topics.h"
#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub;

namespace {

struct Fixture {
  Inventory inventory;
  int changes = 0;
  int identities = 0;
  std::vector<std::uint64_t> generations;
  int stamps = 0;
  Intake intake{
      inventory,
      {[this] { ++changes; }, [this] { ++identities; }, [this](const std::string&) { ++stamps; },
       [this](const std::string&, std::uint64_t generation) { generations.push_back(generation); }}};

  void take(const std::string& topic, const std::string& payload) {
    intake.take({topic, payload, false}, 1000);
  }
  v1::Report report(const std::string& node, const std::string& site = "berlin") {
    v1::Report made;
    made.set_node(node);
    (*made.mutable_labels())["site"] = site;
    return made;
  }
  v1::EventBatch events(const std::string& node, std::uint64_t sequence) {
    v1::EventBatch batch;
    batch.set_node(node);
    batch.set_stream("s");
    batch.add_events()->set_sequence(sequence);
    return batch;
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "presence makes a node known and says whether it is there") {
  take(topics::presence("pi-1"), "online");
  REQUIRE(inventory.find("pi-1") != nullptr);
  CHECK(inventory.find("pi-1")->presence == Presence::kOnline);
  CHECK(inventory.find("pi-1")->seen_at_ms == 1000);
  take(topics::presence("pi-1"), "offline");
  CHECK(inventory.find("pi-1")->presence == Presence::kOffline);
  CHECK(identities == 0);
}

TEST_CASE_METHOD(Fixture, "a first report and other labels ask for a compilation, the same labels do not") {
  take(topics::report("pi-1"), report("pi-1").SerializeAsString());
  CHECK(identities == 1);
  take(topics::report("pi-1"), report("pi-1").SerializeAsString());
  CHECK(identities == 1);
  take(topics::report("pi-1"), report("pi-1", "paris").SerializeAsString());
  CHECK(identities == 2);
  CHECK(changes == 3);
}

TEST_CASE_METHOD(Fixture, "a generation above the hub's own is told") {
  v1::Report ahead = report("pi-1");
  ahead.mutable_received()->set_generation(9);
  inventory.node("pi-1").desired.generation = 9;
  take(topics::report("pi-1"), ahead.SerializeAsString());
  CHECK(generations.empty());
  ahead.mutable_received()->set_generation(10);
  take(topics::report("pi-1"), ahead.SerializeAsString());
  CHECK(generations == std::vector<std::uint64_t>{10});
}

TEST_CASE_METHOD(Fixture, "another stamp or key of the hub's is told, the same ones are not told again") {
  v1::Report stamped = report("pi-1");
  const auto told = [&] {
    stamps = 0;
    take(topics::report("pi-1"), stamped.SerializeAsString());
    return stamps > 0;
  };
  CHECK(told());
  CHECK_FALSE(told());
  stamped.set_stamp("another");
  CHECK(told());
  CHECK_FALSE(told());
  stamped.set_hub_key("another");
  CHECK(told());
}

TEST_CASE_METHOD(Fixture, "what comes in between is stored together, each node once") {
  take(topics::report("pi-1"), report("pi-1").SerializeAsString());
  take(topics::report("pi-1"), report("pi-1", "paris").SerializeAsString());
  take(topics::presence("pi-1"), "online");
  take(topics::events("pi-1"), events("pi-1", 1).SerializeAsString());
  intake.note_published("pi-1", 3);
  const IntakeChange change = intake.drain();
  REQUIRE(change.nodes.size() == 1);
  CHECK(change.nodes[0].online);
  CHECK(change.nodes[0].report == std::optional(report("pi-1", "paris").SerializeAsString()));
  CHECK(change.events.size() == 1);
  CHECK(change.published.size() == 1);
  CHECK_FALSE(intake.has_pending());
  CHECK(intake.drain().empty());
}

TEST_CASE_METHOD(Fixture, "what could not be stored is kept, in order, and the newest of each node") {
  take(topics::presence("pi-1"), "online");
  take(topics::events("pi-1"), events("pi-1", 1).SerializeAsString());
  intake.note_published("pi-1", 3);
  IntakeChange failed = intake.drain();
  take(topics::presence("pi-1"), "offline");
  take(topics::events("pi-1"), events("pi-1", 2).SerializeAsString());
  intake.note_published("pi-1", 4);
  intake.give_back(std::move(failed));
  const IntakeChange change = intake.drain();
  REQUIRE(change.nodes.size() == 1);
  CHECK_FALSE(change.nodes[0].online);
  REQUIRE(change.events.size() == 2);
  CHECK(change.events[0].events[0].sequence() == 1);
  CHECK(change.events[1].events[0].sequence() == 2);
  CHECK(change.published == std::vector<std::pair<std::string, std::uint64_t>>{{"pi-1", 4}});
}

TEST_CASE_METHOD(Fixture, "what does not belong changes nothing") {
  const std::string good = report("pi-1").SerializeAsString();
  take(topics::report("pi-1"), "\xff\xff\xff garbage");
  take(topics::report("pi-1"), report("pi-2").SerializeAsString());
  take(topics::report("pi-1"), std::string(Intake::kMaxMessageBytes + 1, 'x'));
  take(topics::report("pi-1"), "");
  take("hivemind/v1/nodes/Not-A-Node/report", good);
  take("hivemind/v1/nodes/pi-1/secrets", good);
  take("other/topic", good);
  take(topics::presence("pi-1"), "perhaps");
  take(topics::presence("pi-1"), "");
  take(topics::events("pi-1"), events("pi-2", 1).SerializeAsString());
  take(topics::events("pi-1"), events("pi-1", 0).SerializeAsString());
  take(topics::events("pi-1"), events("pi-1", UINT64_MAX).SerializeAsString());
  take(topics::events("pi-1"), report("pi-1").SerializeAsString());
  CHECK(inventory.nodes().empty());
  CHECK(changes == 0);
  CHECK_FALSE(intake.has_pending());
}

TEST_CASE_METHOD(Fixture,
                 "a batch says which events its node has no more, and cannot leave out those it brings") {
  v1::EventBatch batch = events("pi-1", 7);
  batch.set_first(5);
  take(topics::events("pi-1"), batch.SerializeAsString());
  CHECK(intake.drain().events.at(0).first == 5);
  batch.set_first(8);
  take(topics::events("pi-1"), batch.SerializeAsString());
  CHECK(intake.drain().events.empty());
}

TEST_CASE_METHOD(Fixture, "events that cannot be stored do not fill the memory") {
  v1::EventBatch batch = events("pi-1", 1);
  for (std::uint64_t i = 2; i <= 1000; ++i) batch.add_events()->set_sequence(i);
  const std::string bytes = batch.SerializeAsString();
  for (int i = 0; i < 100; ++i) take(topics::events("pi-1"), bytes);
  CHECK(intake.drain().events.size() == Intake::kMaxPendingEvents / 1000);
  take(topics::events("pi-1"), bytes);
  CHECK(intake.drain().events.size() == 1);
}

TEST_CASE_METHOD(Fixture, "a report that comes fresh tells how far its node's clock is off") {
  v1::Report sent = report("pi-1");
  sent.set_reported_at_ms(95'000);
  intake.note_connection(0);
  intake.take({topics::report("pi-1"), sent.SerializeAsString(), true}, 100'000);
  CHECK_FALSE(inventory.find("pi-1")->clock_offset_ms);
  intake.take({topics::report("pi-1"), sent.SerializeAsString(), false}, 100'000);
  CHECK(inventory.find("pi-1")->clock_offset_ms == -5'000);
  for (const std::int64_t said :
       {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    sent.set_reported_at_ms(said);
    intake.take({topics::report("pi-1"), sent.SerializeAsString(), false}, 100'000);
    CHECK((*inventory.find("pi-1")->clock_offset_ms > 0) == (said > 0));
  }
  sent.set_reported_at_ms(95'000);
  intake.take({topics::report("pi-1"), sent.SerializeAsString(), false}, 100'000);
  // What the broker had kept for the hub says nothing about the clock.
  intake.note_connection(200'000);
  intake.take({topics::report("pi-1"), sent.SerializeAsString(), false}, 200'500);
  CHECK(inventory.find("pi-1")->clock_offset_ms == -5'000);
}

TEST_CASE_METHOD(Fixture, "what the broker has kept of a node does not count as hearing of it") {
  v1::Report sent = report("pi-1");
  sent.set_reported_at_ms(95'000);
  intake.take({topics::report("pi-1"), sent.SerializeAsString(), false}, 1'000);
  intake.take({topics::presence("pi-1"), "offline", false}, 2'000);
  intake.take({topics::presence("pi-1"), "offline", true}, 9'000);
  intake.take({topics::report("pi-1"), sent.SerializeAsString(), true}, 9'000);
  CHECK(inventory.find("pi-1")->seen_at_ms == 2'000);
  sent.set_reported_at_ms(96'000);
  intake.take({topics::report("pi-1"), sent.SerializeAsString(), true}, 9'500);
  CHECK(inventory.find("pi-1")->seen_at_ms == 9'500);
}

TEST_CASE_METHOD(Fixture,
                 "what an enrolled node says of its labels changes nothing, and asks for no compilation") {
  Node& node = inventory.node("pi-1");
  node.membership = Membership::kEnrolled;
  node.given_labels = {{"site", "berlin"}};
  take(topics::report("pi-1"), report("pi-1", "vault").SerializeAsString());
  take(topics::report("pi-1"), report("pi-1", "elsewhere").SerializeAsString());
  CHECK(identities == 0);
  CHECK(labels_of(node) == Labels{{"site", "berlin"}});
  CHECK(inventory.identities() == std::vector<NodeIdentity>{{"pi-1", {{"site", "berlin"}}}});
  CHECK(inventory.find("pi-1")->report->labels().at("site") == "elsewhere");
}

TEST_CASE_METHOD(Fixture, "a revoked node is selected for nothing, whatever it still sends") {
  inventory.node("pi-1").membership = Membership::kRevoked;
  take(topics::report("pi-1"), report("pi-1").SerializeAsString());
  CHECK(inventory.identities().empty());
  CHECK(identities == 0);
}

#include "hub/delivery.h"

#include "common/digest.h"
#include "common/error.h"
#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub;

namespace {

// A broker that acknowledges when it is told to.
struct Fixture {
  std::vector<std::string> sent;
  std::vector<std::function<void()>> unacknowledged;
  std::vector<std::string> published;
  std::map<std::string, std::string> envelopes;
  bool readable = true;
  Delivery delivery{
      {[this](const std::string& node) {
         if (!readable) throw Error(ErrorCode::kExhausted, "no");
         return envelopes.at(node);
       },
       [this](const std::string& node, std::string envelope, std::function<void()> on_delivered) {
         sent.push_back(node + "=" + envelope);
         unacknowledged.push_back(std::move(on_delivered));
         return true;
       },
       [this](const std::string& node, std::uint64_t generation) {
         published.push_back(node + "@" + std::to_string(generation));
       }}};

  void replace(const std::string& node, std::uint64_t generation) {
    envelopes[node] = node + std::to_string(generation);
    delivery.replace(node, generation, sha256_hex(envelopes[node]));
  }
  void restore(const std::string& node, std::uint64_t generation, bool was_published) {
    envelopes[node] = node + std::to_string(generation);
    delivery.restore({node, generation, "r", sha256_hex(envelopes[node]), was_published});
  }
  void acknowledge() {
    for (const auto& acknowledged : std::exchange(unacknowledged, {})) acknowledged();
  }
};

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(Fixture, "a new manifest is sent at once and published when the broker has it") {
  delivery.up();
  replace("a", 1);
  CHECK(sent == Strings{"a=a1"});
  CHECK(published.empty());
  acknowledge();
  CHECK(published == Strings{"a@1"});
  CHECK(delivery.outstanding() == 0);
}

TEST_CASE_METHOD(Fixture, "what is made without a connection is sent when there is one, only the newest") {
  replace("a", 1);
  replace("a", 2);
  CHECK(sent.empty());
  delivery.up();
  CHECK(sent == Strings{"a=a2"});
}

TEST_CASE_METHOD(Fixture, "after a restart only what was not acknowledged is sent") {
  restore("a", 4, true);
  restore("b", 7, false);
  delivery.up();
  CHECK(sent == Strings{"b=b7"});
}

TEST_CASE_METHOD(Fixture, "what was under way when the connection was lost is sent again") {
  delivery.up();
  replace("a", 1);
  delivery.down();
  acknowledge();  // of the lost connection: means nothing
  CHECK(published.empty());
  delivery.up();
  CHECK(sent == Strings{"a=a1", "a=a1"});
  acknowledge();
  CHECK(published == Strings{"a@1"});
}

TEST_CASE_METHOD(Fixture, "the acknowledgement of an older manifest does not publish the newer one") {
  delivery.up();
  replace("a", 1);
  replace("a", 2);
  CHECK(sent == Strings{"a=a1", "a=a2"});
  unacknowledged[0]();
  CHECK(published.empty());
  unacknowledged[1]();
  CHECK(published == Strings{"a@2"});
}

TEST_CASE_METHOD(Fixture, "what the broker has lost or holds otherwise is sent again, and nothing else") {
  for (const char* node : {"differs", "lost", "there"}) restore(node, 1, true);
  delivery.up();
  CHECK(delivery.seen("differs", "something else"));
  CHECK_FALSE(delivery.seen("there", "there1"));
  CHECK(delivery.repair() == 2);
  CHECK(sent == Strings{"differs=differs1", "lost=lost1"});
  acknowledge();
  CHECK(delivery.repair() == 0);
}

TEST_CASE_METHOD(Fixture, "what was seen in an earlier connection counts for nothing") {
  restore("a", 1, true);
  delivery.up();
  delivery.seen("a", "a1");
  delivery.down();
  delivery.up();
  CHECK(delivery.repair() == 1);
}

TEST_CASE_METHOD(Fixture, "a bounded number is under way, and each acknowledgement makes room") {
  delivery.up();
  for (std::size_t i = 0; i < Delivery::kMaxInFlight + 10; ++i) replace("n" + std::to_string(i), 1);
  CHECK(sent.size() == Delivery::kMaxInFlight);
  acknowledge();
  CHECK(sent.size() == Delivery::kMaxInFlight + 10);
  acknowledge();
  CHECK(delivery.outstanding() == 0);
}

TEST_CASE_METHOD(Fixture, "a manifest that cannot be read now is sent when it can be") {
  delivery.up();
  readable = false;
  replace("a", 1);
  CHECK(sent.empty());
  readable = true;
  delivery.resume();
  CHECK(sent == Strings{"a=a1"});
}

TEST_CASE_METHOD(Fixture,
                 "the manifest of a node that is none any more is taken from the broker, and stays away") {
  delivery.up();
  replace("a", 1);
  acknowledge();
  delivery.withdraw("a");
  CHECK(sent == Strings{"a=a1", "a="});
  acknowledge();
  CHECK(published == Strings{"a@1"});
  CHECK(delivery.outstanding() == 0);
  CHECK(delivery.repair() == 0);
  CHECK(delivery.seen("a", "a1"));  // a broker that was restored has it again
  CHECK(delivery.repair() == 1);
  CHECK(sent.back() == "a=");
  acknowledge();
  replace("a", 2);
  acknowledge();
  CHECK(sent.back() == "a=a2");
  CHECK(published == Strings{"a@1", "a@2"});
}

TEST_CASE_METHOD(Fixture, "a manifest that is under way when its node ends is taken away behind it") {
  delivery.up();
  replace("a", 1);
  delivery.withdraw("a");
  CHECK(sent == Strings{"a=a1", "a="});
  acknowledge();
  CHECK(published.empty());
  CHECK(delivery.outstanding() == 0);
}

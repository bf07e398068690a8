#include "agent/outbox.h"

#include <boost/asio/io_context.hpp>

#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

struct Sender {
  explicit Sender(const std::filesystem::path& directory)
      : memory(loop.get_executor(), directory, {[] {}, [this] { outbox.send(); }, [] {}}),
        outbox(loop.get_executor(), memory, [this](v1::EventBatch batch) {
          batches.push_back(std::move(batch));
          return true;
        }) {
    memory.open();
  }
  void add(int count) {
    memory.together([&] {
      for (int i = 0; i < count; ++i) memory.add_event({});
    });
  }
  void acknowledge(std::uint64_t sequence) {
    v1::EventAck ack;
    ack.set_stream(memory.stream());
    ack.set_sequence(sequence);
    outbox.acknowledged(ack);
  }
  // "first: sequence sequence ", of each batch since the last call.
  std::string sent() {
    std::string text;
    for (const v1::EventBatch& batch : batches) {
      text += std::to_string(batch.first()) + ":";
      for (const v1::Event& event : batch.events()) text += " " + std::to_string(event.sequence());
      text += "\n";
    }
    batches.clear();
    return text;
  }

  boost::asio::io_context loop;
  std::vector<v1::EventBatch> batches;
  Memory memory;
  Outbox outbox;
};

}  // namespace

TEST_CASE("a batch says which is the oldest event that was not acknowledged yet") {
  const TemporaryDirectory directory;
  Sender node(directory.path());
  node.add(2);
  CHECK(node.sent() == "1: 1 2\n");
  node.add(1);
  CHECK(node.sent() == "1: 3\n");
  node.acknowledge(2);
  node.add(1);
  CHECK(node.sent() == "3: 4\n");
  node.outbox.send_all();
  CHECK(node.sent() == "3: 3 4\n");
  node.acknowledge(1);  // by a hub that has forgotten the rest
  node.outbox.send_all();
  CHECK(node.sent() == "3: 3 4\n");
}

TEST_CASE("events that are acknowledged are sent no more, also after a restart") {
  const TemporaryDirectory directory;
  {
    Sender node(directory.path());
    node.add(3);
    node.acknowledge(2);
    node.memory.close();
  }
  Sender node(directory.path());
  node.outbox.send_all();
  CHECK(node.sent() == "3: 3\n");
}

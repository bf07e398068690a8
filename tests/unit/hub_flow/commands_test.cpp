#include "hub/commands.h"

#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "common/error.h"
#include "hub/clock.h"
#include "tests/support/catch.h"

namespace hivemind::tests {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

hub::Node online_node() {
  hub::Node node;
  node.id = "pi";
  node.presence = hub::Presence::kOnline;
  v1::Report report;
  report.set_session("session-1");
  node.report = std::make_shared<const v1::Report>(report);
  return node;
}

// What was asked, and what became of it.
struct Asked {
  std::optional<v1::CommandReply> reply;
  std::optional<ErrorCode> error;
  bool done() const { return reply || error; }
};

// Commands, and a broker that keeps what it is given.
class Channel {
 public:
  void ask(hub::Node node, Asked& into, std::chrono::milliseconds limit = 1h) {
    v1::Command command;
    command.mutable_adopt()->set_stack("web");
    asio::co_spawn(loop_, commands_.ask(std::move(node), std::move(command), limit),
                   [&into](const std::exception_ptr& error, v1::CommandReply reply) {
                     keep(error, std::move(reply), into);
                   });
    run();
  }

  void reply(const std::string& node, const std::string& id, const std::string& payload) {
    commands_.take_reply(node, id, payload);
    run();
  }

  // All that is ready.
  void run() {
    loop_.restart();
    loop_.poll();
  }
  // Until nobody waits any more.
  void run_out() {
    loop_.restart();
    loop_.run();
  }

  bool connected = true;
  std::vector<v1::Command> sent;

 private:
  static void keep(const std::exception_ptr& error, v1::CommandReply reply, Asked& into) {
    if (!error) {
      into.reply = std::move(reply);
      return;
    }
    try {
      std::rethrow_exception(error);
    } catch (const Error& known) {
      into.error = known.code();
    }
  }

  bool publish(const std::string& node, const std::string& envelope) {
    if (!connected) return false;
    v1::Command& command = sent.emplace_back();
    CHECK(command.ParseFromString(open_envelope(signer_.key().verify_key(), kCommandKind, envelope)));
    CHECK(command.node() == node);
    return true;
  }

  asio::io_context loop_;
  Signer signer_{SigningKey::generate()};
  hub::Commands commands_{
      loop_.get_executor(), signer_,
      [this](const std::string& node, std::string envelope) { return publish(node, envelope); }};
};

v1::CommandReply reply_to(const v1::Command& command) {
  v1::CommandReply reply;
  reply.set_id(command.id());
  reply.set_node(command.node());
  reply.set_outcome(v1::CommandReply::DONE);
  return reply;
}

}  // namespace

TEST_CASE("a command is signed, bound to the node's session and to a time, and waits for its reply") {
  Channel channel;
  Asked asked;
  const auto before = hub::unix_now_ms();
  channel.ask(online_node(), asked);
  REQUIRE(channel.sent.size() == 1);
  const v1::Command& command = channel.sent.front();
  CHECK(command.id().size() == 32);
  CHECK(command.session() == "session-1");
  CHECK(command.expires_at_ms() >= before + std::chrono::milliseconds(1h).count());
  CHECK(command.adopt().stack() == "web");
  CHECK_FALSE(asked.done());
  channel.reply("pi", command.id(), reply_to(command).SerializeAsString());
  REQUIRE(asked.reply);
  CHECK(asked.reply->outcome() == v1::CommandReply::DONE);
}

TEST_CASE("replies find those who asked, in whatever order they come") {
  Channel channel;
  Asked first, second;
  channel.ask(online_node(), first);
  channel.ask(online_node(), second);
  REQUIRE(channel.sent.size() == 2);
  CHECK(channel.sent[0].id() != channel.sent[1].id());
  channel.reply("pi", channel.sent[1].id(), reply_to(channel.sent[1]).SerializeAsString());
  CHECK_FALSE(first.done());
  REQUIRE(second.reply);
  CHECK(second.reply->id() == channel.sent[1].id());
  channel.reply("pi", channel.sent[0].id(), reply_to(channel.sent[0]).SerializeAsString());
  REQUIRE(first.reply);
  CHECK(first.reply->id() == channel.sent[0].id());
}

TEST_CASE("what is not the node's reply to the command is no reply") {
  Channel channel;
  Asked asked;
  channel.ask(online_node(), asked);
  const v1::Command command = channel.sent.at(0);
  const std::string good = reply_to(command).SerializeAsString();
  v1::CommandReply of_another = reply_to(command);
  of_another.set_node("other");
  v1::CommandReply to_another = reply_to(command);
  to_another.set_id(std::string(32, '0'));
  v1::CommandReply large = reply_to(command);
  large.set_text(std::string((1u << 20) + 1, 'x'));
  channel.reply("other", command.id(), good);
  channel.reply("pi", std::string(32, '0'), good);
  channel.reply("pi", command.id(), of_another.SerializeAsString());
  channel.reply("pi", command.id(), to_another.SerializeAsString());
  channel.reply("pi", command.id(), large.SerializeAsString());
  channel.reply("pi", command.id(), "no protobuf");
  channel.reply("pi", command.id(), "");
  CHECK_FALSE(asked.done());
  channel.reply("pi", command.id(), good);
  CHECK(asked.reply.has_value());
}

TEST_CASE("a second reply to the same command changes nothing") {
  Channel channel;
  Asked asked;
  channel.ask(online_node(), asked);
  const v1::Command command = channel.sent.at(0);
  v1::CommandReply later = reply_to(command);
  later.set_outcome(v1::CommandReply::FAILED);
  channel.reply("pi", command.id(), reply_to(command).SerializeAsString());
  channel.reply("pi", command.id(), later.SerializeAsString());
  REQUIRE(asked.reply);
  CHECK(asked.reply->outcome() == v1::CommandReply::DONE);
}

TEST_CASE("without a reply in time the command is given up, and a late one is dropped") {
  Channel channel;
  Asked asked;
  channel.ask(online_node(), asked, 1ms);
  channel.run_out();
  CHECK(asked.error == ErrorCode::kUnavailable);
  channel.reply("pi", channel.sent.at(0).id(), reply_to(channel.sent.at(0)).SerializeAsString());
  CHECK_FALSE(asked.reply);
}

TEST_CASE("a node that is away, or too old for commands, is not asked") {
  Channel channel;
  Asked offline, old, silent;
  hub::Node node = online_node();
  node.presence = hub::Presence::kOffline;
  channel.ask(node, offline);
  node = online_node();
  node.report = std::make_shared<const v1::Report>();
  channel.ask(node, old);
  node.report = nullptr;
  channel.ask(node, silent);
  for (const Asked* asked : {&offline, &old, &silent}) CHECK(asked->error == ErrorCode::kConflict);
  CHECK(channel.sent.empty());
}

TEST_CASE("without a broker a command fails at once") {
  Channel channel;
  channel.connected = false;
  Asked asked;
  channel.ask(online_node(), asked);
  CHECK(asked.error == ErrorCode::kUnavailable);
}

}  // namespace hivemind::tests

#include "hub/commands.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/digest.h"
#include "common/error.h"
#include "hub/clock.h"

namespace hivemind::hub {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kMaxReply = 1u << 20;

// The session is of the node's newest connection: a command that outlives it is refused by the node.
const std::string& session_of(const Node& node) {
  if (node.presence == Presence::kOffline)
    throw Error(ErrorCode::kConflict, "node '{}' is offline (a command reaches a node at once or not at all)",
                node.id);
  if (!node.report || node.report->session().empty()) {
    throw Error(ErrorCode::kConflict, "the agent of node '{}' takes no commands (update it)", node.id);
  }
  return node.report->session();
}

}  // namespace

asio::awaitable<v1::CommandReply> Commands::ask(Node node, v1::Command command,
                                                std::chrono::milliseconds limit) {
  command.set_id(random_hex(kIdBytes));
  command.set_node(node.id);
  command.set_session(session_of(node));
  command.set_expires_at_ms(unix_now_ms() + limit.count());
  const auto waiting =
      std::make_shared<Waiting>(Waiting{command.id(), node.id, asio::steady_timer(loop_, limit)});
  waiting_.push_back(waiting);
  std::string envelope = signer_.seal(kCommandKind, command.SerializeAsString());
  const bool is_sent = publish_(node.id, std::move(envelope));
  if (is_sent) co_await waiting->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  waiting_.remove(waiting);
  if (!is_sent) throw Error(ErrorCode::kUnavailable, "the broker is not connected (try again)");
  if (!waiting->reply) {
    throw Error(ErrorCode::kUnavailable,
                "node '{}' has not replied within {} s (whether it has done it, 'hivemind events' tells)",
                node.id, limit.count() / 1000);
  }
  co_return *waiting->reply;
}

void Commands::take_reply(const std::string& node, const std::string& id, const std::string& payload) {
  for (const auto& waiting : waiting_) {
    if (waiting->id != id || waiting->node != node || waiting->reply) continue;
    v1::CommandReply reply;
    const bool is_reply = payload.size() <= kMaxReply && reply.ParseFromString(payload) && reply.id() == id &&
                          reply.node() == node;
    if (!is_reply) return;
    waiting->reply = std::move(reply);
    waiting->timer.cancel();
    return;
  }
}

}  // namespace hivemind::hub

#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/envelope.h"
#include "hivemind/v1/command.pb.h"
#include "hub/inventory/inventory.h"

namespace hivemind::hub {

// Asks nodes to do something once, and waits for their replies. Nothing of it survives a restart: whoever
// asked has lost the answer anyway, and asks again. Loop thread.
class Commands {
 public:
  // False when the broker is not connected.
  using Publish = std::function<bool(const std::string& node, std::string envelope)>;

  Commands(boost::asio::any_io_executor loop, const Signer& signer, Publish publish)
      : loop_(std::move(loop)), signer_(signer), publish_(std::move(publish)) {}

  // The node's reply, which may be a refusal. The command needs no more than its action. Throws kConflict at
  // once for a node that is away or too old, kUnavailable without a broker, and when the time is up.
  boost::asio::awaitable<v1::CommandReply> ask(Node node, v1::Command command,
                                               std::chrono::milliseconds limit);

  // A message on the topic of a reply. What nobody waits for is dropped.
  void take_reply(const std::string& node, const std::string& id, const std::string& payload);

 private:
  struct Waiting {
    std::string id;
    std::string node;
    boost::asio::steady_timer timer;
    std::optional<v1::CommandReply> reply{};
  };

  boost::asio::any_io_executor loop_;
  const Signer& signer_;
  Publish publish_;
  std::list<std::shared_ptr<Waiting>> waiting_;
};

}  // namespace hivemind::hub

#pragma once

#include <cstdint>
#include <functional>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/store/memory.h"
#include "hivemind/v1/report.pb.h"

namespace hivemind::agent {

// Sends the events of the store in batches, and again until the hub has acknowledged them: at every
// connection, and when no acknowledgement has come for a minute. Loop thread.
class Outbox {
 public:
  // publish: fills in the node; false when the link is down.
  using Publish = std::function<bool(v1::EventBatch batch)>;

  Outbox(boost::asio::any_io_executor loop, Memory& memory, Publish publish);

  void add(v1::Event event);
  void send();      // what was not sent on this connection yet
  void send_all();  // a new connection: whatever is not acknowledged
  void acknowledged(const v1::EventAck& ack);

 private:
  void remind_later();

  Memory& memory_;
  Publish publish_;
  std::uint64_t sent_through_ = 0;
  bool reminding_ = false;
  boost::asio::steady_timer timer_;
};

}  // namespace hivemind::agent

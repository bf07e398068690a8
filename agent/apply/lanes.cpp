#include "agent/apply/lanes.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace hivemind::agent {

namespace asio = boost::asio;

Lanes::Ticket::~Ticket() {
  if (lanes_) lanes_->leave();
}

asio::awaitable<Lanes::Ticket> Lanes::enter() {
  const auto self = shared_from_this();
  if (free_ > 0) {
    --free_;
  } else {
    // Whoever leaves hands its lane over by cancelling the timer; free_ stays as it is.
    auto turn = std::make_shared<asio::steady_timer>(loop_, asio::steady_timer::time_point::max());
    waiting_.push_back(turn);
    co_await turn->async_wait(asio::as_tuple(asio::use_awaitable));
  }
  co_return Ticket(self);
}

void Lanes::leave() {
  if (waiting_.empty()) {
    ++free_;
    return;
  }
  const auto turn = std::move(waiting_.front());
  waiting_.pop_front();
  turn->cancel();
}

}  // namespace hivemind::agent

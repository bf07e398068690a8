#include "hub/change_signal.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace hivemind::hub {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

void ChangeSignal::raise() {
  if (armed_) return;
  if (Clock::now() - woken_ >= kPause) {
    wake();
    return;
  }
  armed_ = true;
  later_.expires_at(woken_ + kPause);
  later_.async_wait([this](boost::system::error_code failure) {
    if (failure) return;
    armed_ = false;
    wake();
  });
}

void ChangeSignal::wake() {
  woken_ = Clock::now();
  for (asio::steady_timer* timer : waiting_) timer->cancel();
}

asio::awaitable<void> ChangeSignal::wait(Clock::time_point deadline) {
  asio::steady_timer timer(loop_, deadline);
  const auto place = waiting_.insert(waiting_.end(), &timer);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  waiting_.erase(place);
}

}  // namespace hivemind::hub

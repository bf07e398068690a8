#pragma once

#include <deque>
#include <memory>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace hivemind::agent {

// So many things at a time; the others wait in line. Loop thread only; shared by those who wait.
class Lanes : public std::enable_shared_from_this<Lanes> {
 public:
  Lanes(boost::asio::any_io_executor loop, unsigned count) : loop_(std::move(loop)), free_(count) {}

  // Holds a lane until it goes.
  class Ticket {
   public:
    explicit Ticket(std::shared_ptr<Lanes> lanes) : lanes_(std::move(lanes)) {}
    Ticket(Ticket&&) = default;
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();

   private:
    std::shared_ptr<Lanes> lanes_;
  };

  boost::asio::awaitable<Ticket> enter();

 private:
  void leave();

  boost::asio::any_io_executor loop_;
  unsigned free_;
  std::deque<std::shared_ptr<boost::asio::steady_timer>> waiting_;
};

}  // namespace hivemind::agent

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace hivemind::agent {

// Settings of the C library that keep a small process small. Call them first of all, before there are
// threads.
//
// Memory: one arena instead of one for each thread, and what is freed at the top goes back early. Names:
// hosts are looked up in /etc/hosts and by DNS only, whatever /etc/nsswitch.conf names besides: a static
// program cannot load those modules safely.
void be_frugal();

// Gives back, now and then, what the process does not use: the heap's free pages, and the program's own that
// are mapped because something next to them was once used (the kernel maps 64 KiB at a time). Those are
// read-only pages of a file: what is used again comes back from the page cache, at some microseconds each.
// Loop thread; ends with the object.
class Thrift {
 public:
  explicit Thrift(boost::asio::any_io_executor loop) : timer_(std::move(loop)) { wait(); }

 private:
  void wait();
  boost::asio::steady_timer timer_;
};

}  // namespace hivemind::agent

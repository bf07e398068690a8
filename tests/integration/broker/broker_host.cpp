// broker_host DIRECTORY HOST:PORT: runs the embedded broker until it is killed.
#include <cstdio>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "common/error.h"
#include "hub/broker/broker.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  boost::asio::io_context loop;
  boost::asio::signal_set signals(loop, SIGTERM);
  hivemind::hub::Broker broker(
      loop.get_executor(), {argv[1], argv[2]},
      {[] {
         std::puts("up");
         std::fflush(stdout);
       },
       [](const std::string& why) { std::fprintf(stderr, "down: %s\n", why.c_str()); }});
  signals.async_wait([&](const auto&, int) { broker.stop(); });
  broker.start();
  loop.run();
}

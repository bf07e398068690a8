#include <csignal>
#include <cstdio>
#include <exception>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <sys/stat.h>

#include "common/error.h"
#include "common/log.h"
#include "hub/config.h"
#include "hub/hub.h"

namespace {

// docs/cli.md has all exit codes.
constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

int run(const hivemind::hub::Config& config) {
  hivemind::log::init(config.log_level);
  std::signal(SIGPIPE, SIG_IGN);  // a peer that is gone is an error of that call, not the end of the hub
  ::umask(077);  // keys, tokens and manifests are nobody else's; hub.pub says otherwise itself
  boost::asio::io_context loop(1);
  hivemind::hub::Hub hub(loop.get_executor(), config);
  boost::asio::signal_set signals(loop, SIGINT, SIGTERM);
  signals.async_wait([&](boost::system::error_code failure, int) {
    if (failure) return;
    hivemind::log::info("stopping");
    hub.stop([&loop] {
      hivemind::log::info("stopped");
      loop.stop();
    });
  });
  hub.start();
  loop.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const hivemind::hub::Invocation invocation = hivemind::hub::read_command_line(argc, argv);
    if (invocation.config) return run(*invocation.config);
    std::fputs(invocation.output.c_str(), stdout);
    return 0;
  } catch (const hivemind::Error& error) {
    std::fprintf(stderr, "hivemind-hub: %s\n", error.what());
    return error.code() == hivemind::ErrorCode::kInvalid ? kWrongUsage : kFailed;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hivemind-hub: %s\n", error.what());
    return kFailed;
  }
}

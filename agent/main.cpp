#include <cstdio>
#include <exception>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include "agent/agent.h"
#include "agent/data_directory.h"
#include "agent/engine/docker_engine.h"
#include "agent/exit_code.h"
#include "agent/options.h"
#include "agent/status.h"
#include "common/log.h"
#include "common/version.h"

namespace {

using namespace hivemind;
using namespace hivemind::agent;

int run(const Options& options) {
  log::init(options.log_level);
  Identity identity{options.node, options.labels, VerifyKey::load(options.hub_key)};
  const DataDirectory directory(options.data_directory);
  boost::asio::io_context loop(1);
  DockerEngine engine(
      loop.get_executor(),
      options.engine.empty() ? engine_address_from_environment() : http::Address::parse(options.engine),
      options.node);
  const Tuning tuning{options.heartbeat, options.parallel_pulls, options.disk_reserve_bytes};
  const auto node_agent = Agent::create(loop.get_executor(), engine, std::move(identity), directory.path(),
                                        options.broker, tuning);
  boost::asio::signal_set signals(loop, SIGINT, SIGTERM);
  signals.async_wait([&](const boost::system::error_code&, int) {
    log::info("ends; the containers go on");
    node_agent->stop();
    loop.stop();
  });
  log::info("hivemind-agent {} runs as node '{}'", version(), options.node);
  node_agent->start();
  loop.run();
  return kExitOk;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const CommandLine line = read_command_line(argc, argv);
    if (line.exit_code >= 0) return line.exit_code;
    if (line.options.command == Command::kRun) return run(line.options);
    fmt::print("{}", status_text(line.options));
    return kExitOk;
  } catch (const Error& error) {
    fmt::print(stderr, "hivemind-agent: {}\n", error.what());
    return exit_code_of(error.code());
  } catch (const std::exception& error) {
    fmt::print(stderr, "hivemind-agent: {}\n", error.what());
    return kExitInternal;
  }
}

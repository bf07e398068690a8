#include <cstdio>
#include <exception>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "agent/agent.h"
#include "agent/data_directory.h"
#include "agent/engine/docker_engine.h"
#include "agent/enroll.h"
#include "agent/exit_code.h"
#include "agent/frugal.h"
#include "agent/membership.h"
#include "agent/notify.h"
#include "agent/options.h"
#include "agent/status.h"
#include "agent/stop_request.h"
#include "common/log.h"
#include "common/version.h"

namespace {

using namespace hivemind;
using namespace hivemind::agent;

int run(const Options& options) {
  log::init(options.log_level);
  boost::asio::io_context loop(1);
  StopRequest stop(loop.get_executor());
  Notify notify(loop.get_executor(), Supervision::from_environment());
  const IdentityDirectory identity(options.data_directory);
  // A supervisor's tries before the enrolment must not be in its way: they end before they hold the
  // directory.
  if (!identity.exists()) membership_of(options, identity);
  const DataDirectory directory(options.data_directory);
  identity.recover();
  Membership membership = membership_of(options, identity);
  const std::string node = membership.identity.node;
  DockerEngine engine(
      loop.get_executor(),
      options.engine.empty() ? engine_address_from_environment() : http::Address::parse(options.engine),
      node);
  const Tuning tuning{options.heartbeat, options.parallel_pulls, options.disk_reserve_bytes,
                      options.secrets_directory, options.policy};
  const auto node_agent = Agent::create(loop.get_executor(), engine, std::move(membership.identity),
                                        directory.path(), membership.broker, tuning);
  log::redact_with(node_agent->redactor());
  engine.redact_with(node_agent->redactor());
  if (membership.is_enrolled) node_agent->stay_enrolled(identity);
  stop.on_stop([&] {
    log::info("ends; the containers go on");
    notify.stopping("ends; the containers go on");
    node_agent->stop();
    loop.stop();
  });
  log::info("hivemind-agent {} runs as node '{}'", version(), node);
  if (membership.is_enrolled && !options.labels.empty())
    log::warn(
        "--label changes nothing: this node is enrolled, so its labels are the hub's affair (hivemind node "
        "label {} KEY=VALUE)",
        node);
  const Thrift thrift(loop.get_executor());
  node_agent->start();
  // From the loop, so that it is true that the loop runs. The store was tried by then.
  boost::asio::post(loop, [&] { notify.ready(fmt::format("runs as node '{}'", node)); });
  loop.run();
  return kExitOk;
}

}  // namespace

int main(int argc, char** argv) {
  be_frugal();
  try {
    const CommandLine line = read_command_line(argc, argv);
    if (line.exit_code >= 0) return line.exit_code;
    if (line.options.command == Command::kRun) return run(line.options);
    if (line.options.command == Command::kEnroll) return enroll(line.options);
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

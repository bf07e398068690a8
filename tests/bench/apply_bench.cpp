#include "tests/bench/apply_bench.h"

#include <atomic>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <fmt/core.h>

#include "common/mqtt/link.h"
#include "common/topics.h"
#include "tests/bench/engine_events.h"
#include "tests/support/engine_proxy.h"
#include "tests/support/fleet.h"

namespace hivemind::bench {
namespace {

using tests::Fleet;

// When the broker last sent the node's manifest, seen by a subscriber of our own.
class ManifestArrival {
 public:
  ManifestArrival(const std::string& broker_url, const std::string& node)
      : work_(loop_.get_executor()),
        link_(loop_.get_executor(), {.url = broker_url, .client_id = "hivemind-bench", .will = {}},
              {topics::manifest(node)},
              {[this] { up_ = true; }, [](const std::string&) {},
               [this](const mqtt::Message&) { at_ = Clock::now(); }}),
        thread_([this] { loop_.run(); }) {
    boost::asio::post(loop_, [this] { link_.start(); });
  }
  ~ManifestArrival() {
    boost::asio::post(loop_, [this] { link_.stop(); });
    work_.reset();
    loop_.stop();
    thread_.join();
  }
  ManifestArrival(const ManifestArrival&) = delete;
  ManifestArrival& operator=(const ManifestArrival&) = delete;

  bool up() const { return up_; }
  Clock::time_point at() const { return at_; }

 private:
  std::atomic<bool> up_ = false;
  std::atomic<Clock::time_point> at_{};
  boost::asio::io_context loop_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  mqtt::Link link_;
  std::thread thread_;
};

// pull_policy is part of the release, but of no container.
std::string ten_services(const std::string& pull_policy) {
  std::map<std::string, std::string> versions;
  for (int i = 0; i < 10; ++i) versions[fmt::format("s{}", i)] = "1";
  return tests::compose(versions) + "    pull_policy: " + pull_policy + "\n";
}

}  // namespace

void measure_unchanged_apply(Results& results, int rounds) {
  Fleet fleet;
  std::atomic<Clock::time_point> asked{};
  tests::EngineProxy proxy(fleet.directory() / "engine.sock", tests::EngineClient::url());
  proxy.intercept([&asked](const tests::EngineRequest&) -> std::optional<std::string> {
    asked = Clock::now();
    return std::nullopt;
  });
  fleet.repository().write("ten.yml", ten_services("missing"));
  fleet.repository().write("stacks.yml", "stacks:\n" + stack_entry(fleet, "ten")).commit();
  fleet.start_hub();
  fleet.start_agent("a", {.labels = {}, .data_directory = {}, .engine_url = proxy.docker_host()});
  fleet.converge();
  ManifestArrival arrival(fmt::format("mqtt://127.0.0.1:{}", fleet.broker_port()), fleet.node("a"));
  if (!tests::wait_until([&] { return arrival.up(); }, std::chrono::seconds(20)))
    throw std::runtime_error("the broker does not answer");

  proxy.clear();
  Samples samples;
  for (int i = 0; i < rounds; ++i) {
    fleet.repository().write("ten.yml", ten_services(i % 2 == 0 ? "never" : "missing")).commit();
    fleet.converge();
    samples.push_back(std::chrono::duration<double, std::milli>(asked.load() - arrival.at()).count());
  }
  if (!proxy.writes().empty())
    throw std::runtime_error("an unchanged apply wrote: " + proxy.writes().front());
  results.add({"10 services, unchanged apply (no writes)", samples, "", {}, Aim{0, 10}});
}

}  // namespace hivemind::bench

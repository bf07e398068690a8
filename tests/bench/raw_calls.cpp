#include "tests/bench/raw_calls.h"

#include <atomic>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include "tests/support/fleet.h"

namespace hivemind::bench {

using nlohmann::json;

RawCalls::~RawCalls() {
  try {
    remove_all();
  } catch (const std::exception&) {
    // The next run begins with remove_all().
  }
}

void RawCalls::make_network() {
  engine_.http().json("POST", "/networks/create",
                      json{{"Name", prefix_}, {"Labels", {{"com.hivemind.bench", prefix_}}}}.dump());
}

std::string RawCalls::create(const std::string& name, const std::string& service,
                             const std::string& version) const {
  return engine_.create(name,
                        {{"Image", tests::test_image()},
                         {"Env", {"VERSION=" + version}},
                         {"Labels", {{"com.hivemind.bench", prefix_}}},
                         {"HostConfig", {{"NetworkMode", prefix_}}},
                         {"NetworkingConfig", {{"EndpointsConfig", {{prefix_, {{"Aliases", {service}}}}}}}}});
}

void RawCalls::run(const std::string& service, const std::string& version) {
  engine_.start(create(name(service), service, version));
}

void RawCalls::replace(const std::string& service, const std::string& version) {
  engine_.rename(name(service), name(service) + ".old");
  const std::string id = create(name(service), service, version);
  engine_.stop(name(service) + ".old");
  engine_.start(id);
}

void RawCalls::remove_old(const std::string& service) {
  engine_.remove(name(service) + ".old");
}

void RawCalls::run_all(const std::vector<std::string>& services, const std::string& version, unsigned lanes) {
  std::atomic<std::size_t> next{0};
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < lanes; ++i) {
    threads.emplace_back([&] {
      for (std::size_t at = next++; at < services.size(); at = next++) run(services[at], version);
    });
  }
}

void RawCalls::remove_all() {
  engine_.remove_all("com.hivemind.bench=" + prefix_);
}

}  // namespace hivemind::bench

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <sys/types.h>
#include <time.h>

#include "common/file.h"
#include "tests/support/fleet.h"
#include "tests/support/tls_broker.h"

// footprint FILE DIR [quick]: what the static agent of DIR/amd64 (or of this machine's architecture) costs a
// node while it manages ten running containers over TLS, with a keep-alive of 600 s. Writes JSON to FILE and
// prints a table; 'quick' looks for a few seconds only.
namespace hivemind::bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using tests::Fleet;

constexpr double kMiB = 1024.0 * 1024.0;
constexpr int kContainers = 10;
constexpr double kHeaders = 52;  // of a segment: IPv4, TCP and its timestamps
constexpr double kKeepAlive = 600;
constexpr double kSecondsOfMonth = 30 * 86400.0;

struct Figure {
  std::string name;
  double value;
  std::string unit;
  std::optional<double> aim;
  bool met() const { return !aim || value <= *aim; }
};

// Lines "Key: number …" of a file of /proc.
std::map<std::string, double> numbers(const fs::path& file) {
  std::map<std::string, double> found;
  std::istringstream text(read_file(file));
  for (std::string line; std::getline(text, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    found[line.substr(0, colon)] = std::strtod(line.c_str() + colon + 1, nullptr);
  }
  return found;
}

class Watched {
 public:
  explicit Watched(pid_t pid) : pid_(pid), proc_("/proc/" + std::to_string(pid)) {}

  double pss_kib() const { return numbers(proc_ / "smaps_rollup")["Pss"]; }
  double private_kib() const {
    auto memory = numbers(proc_ / "smaps_rollup");
    return memory["Private_Clean"] + memory["Private_Dirty"];
  }
  double anonymous_kib() const { return numbers(proc_ / "smaps_rollup")["Anonymous"]; }
  double written() const { return numbers(proc_ / "io")["write_bytes"]; }
  double threads() const { return numbers(proc_ / "status")["Threads"]; }

  double cpu_seconds() const {
    clockid_t clock{};
    timespec time{};
    // Exact, where /proc counts in hundredths of a second.
    if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &time) != 0)
      throw std::runtime_error("the CPU time of the agent cannot be read");
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  }

  // PSS by mapping, in KiB.
  std::map<std::string, double> by_mapping() const {
    std::map<std::string, double> found;
    std::istringstream text(read_file(proc_ / "smaps"));
    std::string current;
    for (std::string line; std::getline(text, line);) {
      std::istringstream words(line);
      std::string first, permissions, offset, device, inode, name;
      words >> first >> permissions >> offset >> device >> inode >> name;
      if (first.find('-') != std::string::npos && first.back() != ':')
        current = (name.empty() ? "anonymous" : fs::path(name).filename().string()) + " " + permissions;
      else if (first == "Pss:")
        found[current] += std::strtod(permissions.c_str(), nullptr);
    }
    return found;
  }

  struct Wire {
    double payload = 0, segments = 0;
  };
  // Of the connection to this port, both ways, since it was made.
  Wire wire(int port) const {
    const tests::Outcome outcome = tests::run({"ss", "-tinHO", "dst", "127.0.0.1:" + std::to_string(port)});
    Wire sum;
    std::istringstream words(outcome.output);
    for (std::string word; words >> word;) {
      for (const char* key : {"bytes_sent:", "bytes_received:"})
        if (word.starts_with(key))
          sum.payload += std::strtod(word.c_str() + std::string(key).size(), nullptr);
      for (const char* key : {"segs_out:", "segs_in:"})
        if (word.starts_with(key))
          sum.segments += std::strtod(word.c_str() + std::string(key).size(), nullptr);
    }
    if (sum.segments == 0)
      throw std::runtime_error("ss knows no connection to the broker: " + outcome.errors);
    return sum;
  }

 private:
  pid_t pid_;
  fs::path proc_;
};

// The highest PSS while a piece of work is done.
double peak_during(const Watched& agent, const std::function<void()>& work) {
  std::atomic<bool> done = false;
  double peak = 0;
  std::thread watcher([&] {
    while (!done) {
      peak = std::max(peak, agent.pss_kib());
      std::this_thread::sleep_for(20ms);
    }
  });
  try {
    work();
  } catch (...) {
    done = true;
    watcher.join();
    throw;
  }
  done = true;
  watcher.join();
  return peak;
}

std::string ten_services(const std::string& version) {
  std::map<std::string, std::string> services;
  for (int i = 0; i < kContainers; ++i) services[fmt::format("s{}", i)] = version;
  return tests::compose(services);
}

void commit(Fleet& fleet, const std::string& version) {
  fleet.repository()
      .write("ten.yml", ten_services(version))
      .write("stacks.yml", "stacks:\n" + stack_entry(fleet, "ten"))
      .commit();
}

bool knows(const std::string& program, const std::string& flag) {
  return tests::run({program, "--help"}).output.find(flag) != std::string::npos;
}

class Footprint {
 public:
  Footprint(fs::path directory, std::chrono::seconds window)
      : directory_(std::move(directory)), window_(window) {}

  void measure() {
    sizes();
    const std::string program = directory_ / "amd64" / "hivemind-agent";
    Fleet fleet;
    tests::TlsBroker broker;
    fleet.start_hub({.data_directory = {}, .git_url = {}, .flags = {"--broker-url", broker.plain_url()}});
    commit(fleet, "1");
    Fleet::AgentOptions options;
    options.program = {program};
    options.broker_url = broker.tls_url();
    options.flags = {"--broker-ca", broker.ca_file(), "--keep-alive", fmt::format("{:.0f}", kKeepAlive)};
    if (knows(program, "--heartbeat")) options.flags.insert(options.flags.end(), {"--heartbeat", "24h"});
    fleet.start_agent("a", options);
    fleet.converge();
    commit(fleet, "2");
    fleet.converge();  // everything has been done once
    const Watched agent(fleet.agent_process("a").pid());
    idle(agent, broker.tls_port());
    applying(fleet, agent);
    keeping_alive(fleet, options, broker.tls_port());
  }

  void print() const {
    fmt::print("{:<52} {:>12} {:<10} {:>10}\n", "what", "value", "unit", "aim");
    for (const Figure& figure : figures_) {
      fmt::print("{:<52} {:>12.3f} {:<10} {:>10}  {}\n", figure.name, figure.value, figure.unit,
                 figure.aim ? fmt::format("<= {:g}", *figure.aim) : "",
                 figure.aim ? figure.met() ? "met" : "MISSED" : "");
    }
    if (std::ranges::all_of(figures_, &Figure::met)) return;
    fmt::print("\nidle, PSS by mapping (KiB):\n");
    for (const auto& [name, kib] : mappings_)
      if (kib >= 16) fmt::print("{:>10.0f}  {}\n", kib, name);
    fmt::print("(the file by library: cross/size.py ARCH)\n");
  }

  nlohmann::json json() const {
    nlohmann::json rows = nlohmann::json::array();
    for (const Figure& figure : figures_) {
      nlohmann::json row = {{"name", figure.name}, {"value", figure.value}, {"unit", figure.unit}};
      if (figure.aim) row["aim"] = {{"at_most", *figure.aim}, {"met", figure.met()}};
      rows.push_back(row);
    }
    return {{"rows", rows}, {"idle_pss_kib", mappings_}};
  }

 private:
  void add(Figure figure) { figures_.push_back(std::move(figure)); }

  void sizes() {
    for (const char* architecture : {"amd64", "arm64", "armhf"}) {
      const fs::path file = directory_ / architecture / "hivemind-agent";
      if (fs::exists(file))
        add({fmt::format("binary, {}", architecture), static_cast<double>(fs::file_size(file)) / kMiB, "MiB",
             6});
    }
  }

  void idle(const Watched& agent, int port) {
    std::this_thread::sleep_for(25s);  // the last reports are on their way, and the program has rested once
    const double cpu = agent.cpu_seconds();
    const double written = agent.written();
    const auto wire = agent.wire(port);
    // Every pass brings pages back that are given up some seconds later: one look would be luck.
    double sum = 0, highest = 0;
    for (auto left = window_; left > 0s; left -= 1s) {
      std::this_thread::sleep_for(1s);
      const double pss = agent.pss_kib();
      sum += pss;
      highest = std::max(highest, pss);
    }
    const auto seconds = static_cast<double>(window_.count());
    const double spent = agent.cpu_seconds() - cpu;
    const auto now = agent.wire(port);
    add({"memory idle, proportional (PSS), mean", sum / seconds / 1024, "MiB", 5});
    add({"memory idle, proportional (PSS), highest", highest / 1024, "MiB", {}});
    add({"memory idle, private", agent.private_kib() / 1024, "MiB", {}});
    add({"memory idle, anonymous", agent.anonymous_kib() / 1024, "MiB", {}});
    add({"threads", agent.threads(), "", {}});
    add({"CPU idle", 100 * spent / seconds, "%", 0.05});
    add({"CPU idle, an hour", 3600 * spent / seconds, "s", {}});
    add({"written idle, a day", (agent.written() - written) * 86400 / seconds / kMiB, "MiB", 1});
    idle_payload_ = (now.payload - wire.payload) / seconds;
    idle_segments_ = (now.segments - wire.segments) / seconds;
    mappings_ = agent.by_mapping();
  }

  void applying(Fleet& fleet, const Watched& agent) {
    constexpr int kApplies = 3;
    double peak = 0, most = 0;
    for (int i = 0; i < kApplies; ++i) {
      const double before = agent.written();
      commit(fleet, std::to_string(3 + i));
      peak = std::max(peak, peak_during(agent, [&] { fleet.converge(); }));
      std::this_thread::sleep_for(2s);
      most = std::max(most, agent.written() - before);
    }
    add({"memory during an apply (10 services), PSS", peak / 1024, "MiB", 7});
    add({"written by an apply (10 services)", most / 1024, "KiB", 256});
    std::this_thread::sleep_for(3s);
    add({"memory after the applies, PSS", agent.pss_kib() / 1024, "MiB", {}});
  }

  // A window that holds several signs of life would take hours at 600 s: one is measured at 5 s, and counted
  // as often as it is due.
  void keeping_alive(Fleet& fleet, Fleet::AgentOptions options, int port) {
    constexpr int kSigns = 4;
    fleet.stop_agent("a");
    std::ranges::replace(options.flags, fmt::format("{:.0f}", kKeepAlive), std::string("5"));
    fleet.start_agent("a", options);
    fleet.converge();
    const Watched agent(fleet.agent_process("a").pid());
    std::this_thread::sleep_for(7s);
    const auto before = agent.wire(port);
    std::this_thread::sleep_for(kSigns * 5s);
    const auto after = agent.wire(port);
    const double payload = (after.payload - before.payload) / kSigns;
    const double segments = (after.segments - before.segments) / kSigns;
    const double signs = kSecondsOfMonth / kKeepAlive;
    const double rest = idle_payload_ + idle_segments_ * kHeaders;
    add({"one sign of life, with TCP's headers", payload + segments * kHeaders, "B", {}});
    add({"on the wire idle, an hour (keep-alive 600 s)",
         ((payload + segments * kHeaders) / kKeepAlive + rest) * 3600 / 1024,
         "KiB",
         {}});
    add({"on the wire idle, a month (keep-alive 600 s)",
         (signs * (payload + segments * kHeaders) + rest * kSecondsOfMonth) / kMiB, "MiB", 1});
  }

  fs::path directory_;
  std::chrono::seconds window_;
  std::vector<Figure> figures_;
  std::map<std::string, double> mappings_;
  double idle_payload_ = 0, idle_segments_ = 0;
};

}  // namespace
}  // namespace hivemind::bench

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: footprint FILE DIR [quick]\n");
    return 2;
  }
  try {
    const bool quick = argc > 3 && std::string(argv[3]) == "quick";
    hivemind::bench::Footprint footprint(argv[2], std::chrono::seconds(quick ? 5 : 60));
    footprint.measure();
    hivemind::write_file_durably(argv[1], footprint.json().dump(2) + "\n", 0644);
    footprint.print();
  } catch (const std::exception& error) {
    fmt::print(stderr, "footprint: {}\n", error.what());
    return 1;
  }
  return 0;
}

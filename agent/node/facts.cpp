#include "agent/node/facts.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <string_view>
#include <utility>

#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/plan/utf8.h"
#include "common/error.h"
#include "common/file.h"

namespace hivemind::agent {
namespace {

namespace fs = std::filesystem;

// Empty when it is not there: not every kernel, container or board has each file.
std::string text_of(const fs::path& file) {
  try {
    std::string text = read_file(file);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\0' || text.back() == ' '))
      text.pop_back();
    return text;
  } catch (const Error&) {
    return {};
  }
}

std::int64_t number_of(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? value : 0;
}

// What stands behind "key" at the beginning of a line.
std::string_view line_of(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.starts_with(key)) return line.substr(key.size());
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return {};
}

// "Pss:      4096 kB"
std::int64_t kilobytes_at(std::string_view text, std::string_view key) {
  return number_of(line_of(text, key)) * 1024;
}

std::string os_release(const fs::path& root) {
  std::string text = text_of(root / "etc/os-release");
  if (text.empty()) text = text_of(root / "usr/lib/os-release");
  std::string_view name = line_of(text, "PRETTY_NAME=");
  if (name.size() >= 2 && (name.front() == '"' || name.front() == '\'') && name.back() == name.front())
    name = name.substr(1, name.size() - 2);
  return std::string(name);
}

// Boards tell it in their device tree, PCs in their firmware's tables.
std::string model(const fs::path& root) {
  const std::string board = text_of(root / "proc/device-tree/model");
  if (!board.empty()) return board;
  const std::string vendor = text_of(root / "sys/class/dmi/id/sys_vendor");
  const std::string product = text_of(root / "sys/class/dmi/id/product_name");
  if (vendor.empty() || product.starts_with(vendor)) return product;
  return product.empty() ? vendor : vendor + " " + product;
}

// Of the hottest zone. Zones that are switched off fail to be read, or tell absurdities.
std::int32_t temperature(const fs::path& root) {
  constexpr std::int64_t kLeast = -60'000;
  constexpr std::int64_t kMost = 200'000;
  std::int64_t hottest = 0;
  std::error_code ignored;
  for (fs::directory_iterator entry(root / "sys/class/thermal", ignored), end; entry != end;
       entry.increment(ignored)) {
    if (!entry->path().filename().string().starts_with("thermal_zone")) continue;
    const std::int64_t here = number_of(text_of(entry->path() / "temp"));
    if (here < kLeast || here > kMost || here == 0) continue;
    hottest = hottest == 0 ? here : std::max(hottest, here);
  }
  return static_cast<std::int32_t>(hottest);
}

// "0.42 …" -> 420
std::uint32_t load_milli(const fs::path& root) {
  const std::string text = text_of(root / "proc/loadavg");
  const std::size_t dot = text.find('.');
  if (dot == std::string::npos) return 0;
  std::string decimals = text.substr(dot + 1, std::min(text.find(' ', dot), text.size()) - dot - 1);
  decimals.resize(3, '0');
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(number_of(text) * 1000 + number_of(decimals), 0, 1'000'000'000));
}

struct Space {
  std::int64_t size = 0;
  std::int64_t free = 0;
};

// Free is what is left for those who are not root: the rest is a reserve that nobody should count on.
Space space_at(const fs::path& path) {
  struct statvfs told {};
  if (path.empty() || ::statvfs(path.c_str(), &told) != 0) return {};
  const auto block = static_cast<std::int64_t>(told.f_frsize);
  return {block * static_cast<std::int64_t>(told.f_blocks), block * static_cast<std::int64_t>(told.f_bavail)};
}

std::int64_t uptime_s() {
  struct timespec since_boot {};
  return ::clock_gettime(CLOCK_BOOTTIME, &since_boot) == 0 ? since_boot.tv_sec : 0;
}

// Until it tells where its data is, the engine's is taken to be on the disk that holds the agent's.
fs::path engine_root(const std::optional<EngineInfo>& engine, const fs::path& data_directory) {
  return engine && !engine->root_directory.empty() ? fs::path(engine->root_directory) : data_directory;
}

}  // namespace

Facts::Facts(fs::path data_directory, fs::path root)
    : data_directory_(std::move(data_directory)),
      root_(std::move(root)),
      boot_id_(text_of(root_ / "proc/sys/kernel/random/boot_id")),
      start_(std::chrono::steady_clock::now()) {
  struct utsname system {};
  if (::uname(&system) == 0) {
    machine_.set_architecture(system.machine);
    machine_.set_kernel(system.release);
    machine_.set_os(system.sysname);
    machine_.set_hostname(system.nodename);
  }
  const long cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
  if (cpus > 0) machine_.set_cpus(static_cast<std::uint32_t>(cpus));
  machine_.set_memory_bytes(kilobytes_at(text_of(root_ / "proc/meminfo"), "MemTotal:"));
  machine_.set_os_release(valid_utf8(os_release(root_)));
  machine_.set_model(valid_utf8(model(root_)));
}

v1::NodeFacts Facts::machine(const std::optional<EngineInfo>& engine) const {
  v1::NodeFacts facts = machine_;
  facts.set_engine_disk_bytes(space_at(engine_root(engine, data_directory_)).size);
  if (!engine) return facts;
  facts.set_architecture(engine->architecture);
  facts.set_os(engine->os);
  facts.set_kernel(engine->kernel);
  facts.set_engine_version(engine->version);
  facts.set_engine_api(engine->api.text());
  if (engine->cpus > 0) facts.set_cpus(engine->cpus);
  if (engine->memory_bytes > 0) facts.set_memory_bytes(engine->memory_bytes);
  return facts;
}

v1::Vitals Facts::vitals(const std::optional<EngineInfo>& engine) const {
  v1::Vitals vitals;
  vitals.set_uptime_s(uptime_s());
  vitals.set_agent_uptime_s(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start_).count());
  vitals.set_load_milli(load_milli(root_));
  vitals.set_memory_available_bytes(kilobytes_at(text_of(root_ / "proc/meminfo"), "MemAvailable:"));
  vitals.set_engine_disk_free_bytes(space_at(engine_root(engine, data_directory_)).free);
  vitals.set_data_disk_free_bytes(space_at(data_directory_).free);
  vitals.set_temperature_milli_c(temperature(root_));
  vitals.set_agent_memory_bytes(kilobytes_at(text_of(root_ / "proc/self/smaps_rollup"), "Pss:"));
  vitals.set_clock_synchronised(synchronised_clock_ms().has_value());
  return vitals;
}

std::optional<std::int64_t> synchronised_clock_ms() {
  struct timex state {};
  if (::adjtimex(&state) < 0 || (state.status & STA_UNSYNC) != 0) return std::nullopt;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace hivemind::agent

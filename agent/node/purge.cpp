#include "agent/node/purge.h"

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "agent/plan/slots.h"
#include "agent/plan/utf8.h"
#include "common/descriptor.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/ids.h"
#include "common/log.h"

namespace hivemind::agent {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

constexpr const char* kStacks = "stacks";
constexpr const char* kPurged = "purged";    // what is being emptied
constexpr std::size_t kMostNamed = 200;      // directories of applications; of more, the one above is named
constexpr std::size_t kMostFiles = 200'000;  // whose sizes are added up
constexpr std::size_t kSlice = 200;          // files that are removed in one go

bool is_of(const std::map<std::string, std::string>& labels, const std::string& node,
           const std::string& stack) {
  return is_ours(labels, node) && label_of(labels, labels::kStack) == stack;
}

bool is_real_directory(const fs::path& path) {
  std::error_code ignored;
  return fs::symlink_status(path, ignored).type() == fs::file_type::directory;
}

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code ignored;  // not there: none
  for (fs::directory_iterator entry(directory, ignored), end; entry != end; entry.increment(ignored))
    names.push_back(entry->path().filename().string());
  std::ranges::sort(names);
  return names;
}

// Of regular files; symlinks, which applications may have put anywhere, are not followed.
std::int64_t bytes_below(const fs::path& directory) {
  std::int64_t bytes = 0;
  std::size_t files = 0;
  std::error_code ignored;
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator entry(directory, options, ignored), end;
       entry != end && files < kMostFiles; entry.increment(ignored), ++files) {
    std::error_code gone;
    if (entry->symlink_status(gone).type() != fs::file_type::regular) continue;
    const auto size = entry->file_size(gone);
    if (!gone) bytes += static_cast<std::int64_t>(size);
  }
  return bytes;
}

// "stacks/web/data/html" and so on: what applications keep is named one by one.
void list_directories(const fs::path& data_directory, const std::string& stack, v1::Purged& purged) {
  const fs::path place = fs::path(kStacks) / stack;
  if (!is_real_directory(data_directory / place)) return;
  purged.set_bytes(bytes_below(data_directory / place));
  for (const std::string& name : names_in(data_directory / place)) {
    if (!is_real_directory(data_directory / place / name)) continue;
    const std::vector<std::string> inner = names_in(data_directory / place / name);
    if (name != "data" || inner.size() > kMostNamed) {
      if (!inner.empty()) purged.add_directories(valid_utf8((place / name).string()));
      continue;
    }
    for (const std::string& each : inner) purged.add_directories(valid_utf8((place / name / each).string()));
  }
}

std::string digest_of(const v1::Purged& purged) {
  if (purged.volumes().empty() && purged.directories().empty()) return {};
  std::string content = purged.stack() + '\0' + std::to_string(purged.bytes());
  for (const std::string& volume : purged.volumes()) content += '\0' + volume;
  content += '\0';
  for (const std::string& directory : purged.directories()) content += '\0' + directory;
  return sha256_hex(content).substr(0, 16);
}

void sync_directory(const fs::path& directory) {
  const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() >= 0) ::fsync(opened.get());
}

// Out of its place in one step: a container that came to be meanwhile finds all of it or nothing.
void displace(const fs::path& data_directory, const std::string& stack) {
  const fs::path place = data_directory / kStacks / stack;
  if (!is_real_directory(place)) return;
  std::error_code error;
  fs::create_directories(data_directory / kPurged, error);
  if (!error) fs::rename(place, data_directory / kPurged / (stack + "-" + random_hex(8)), error);
  if (error) {
    throw Error(ErrorCode::kUnavailable, "'{}' cannot be removed: {}", place.string(), error.message());
  }
  sync_directory(data_directory / kStacks);
  sync_directory(data_directory / kPurged);
}

}  // namespace

Purge::Purge(Engine& engine, fs::path data_directory, std::string node, Wanted wanted)
    : engine_(engine),
      data_directory_(std::move(data_directory)),
      node_(std::move(node)),
      wanted_(std::move(wanted)) {}

// A volume may be another stack's external one.
void Purge::require_unwanted(const std::string& stack, const std::string& volume) const {
  const auto wanted = wanted_();
  if (!wanted) throw Error(ErrorCode::kConflict, "the node has no manifest yet (try again)");
  if (wanted->stack(stack) != nullptr) {
    throw Error(ErrorCode::kConflict,
                "the node is to run stack '{}' (take it away in stacks.yml first, or say 'enabled: false')",
                stack);
  }
  for (const DesiredStack& other : wanted->stacks) {
    if (!volume.empty() && other.volume(volume) != nullptr)
      throw Error(ErrorCode::kConflict, "stack '{}' uses volume '{}'", other.name, volume);
  }
}

asio::awaitable<v1::Purged> Purge::look(std::string stack) {
  if (!is_stack_name(stack)) throw Error(ErrorCode::kConflict, "'{}' is no stack's name", stack);
  require_unwanted(stack, "");
  const Observed observed = co_await engine_.observe();
  for (const Container& container : observed.containers) {
    if (!is_of(container.labels, node_, stack)) continue;
    throw Error(ErrorCode::kConflict,
                "container '{}' of the stack is still there (it is being removed: try again)",
                container.name);
  }
  v1::Purged purged;
  purged.set_stack(stack);
  for (const EngineVolume& volume : observed.volumes) {
    if (!is_of(volume.labels, node_, stack)) continue;
    require_unwanted(stack, volume.name);
    purged.add_volumes(volume.name);
  }
  std::ranges::sort(*purged.mutable_volumes());
  list_directories(data_directory_, stack, purged);
  purged.set_digest(digest_of(purged));
  co_return purged;
}

asio::awaitable<void> Purge::remove(v1::Purged shown) {
  for (const std::string& volume : shown.volumes()) {
    require_unwanted(shown.stack(), volume);
    co_await engine_.remove_volume(volume);
    log::info("volume '{}' of stack '{}' is purged", volume, shown.stack());
  }
  require_unwanted(shown.stack(), "");
  displace(data_directory_, shown.stack());
  co_await sweep();
}

asio::awaitable<void> Purge::sweep() const {
  const fs::path place = data_directory_ / kPurged;
  if (!is_real_directory(place)) co_return;
  const auto executor = co_await asio::this_coro::executor;
  std::error_code error;
  fs::recursive_directory_iterator entry(place, error), end;
  for (std::size_t seen = 1; !error && entry != end; entry.increment(error), ++seen) {
    ::unlink(entry->path().c_str());  // of directories, below
    if (seen % kSlice == 0) co_await asio::post(executor, asio::use_awaitable);
  }
  fs::remove_all(place, error);
  if (error) log::warn("'{}' not emptied: {}", place.string(), error.message());
}

}  // namespace hivemind::agent

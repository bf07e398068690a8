#include "hub/broker/leftover.h"

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/error.h"
#include "common/file.h"
#include "common/log.h"
#include "hub/broker/child.h"

namespace hivemind::hub {
namespace {

constexpr std::chrono::seconds kPatience{5};

std::string content_of(const std::filesystem::path& file) {
  try {
    return read_file(file);
  } catch (const Error&) {
    return "";  // not there, or not ours: names no process
  }
}

// A process that was ended and whose number went to another one has another command line.
bool runs_our_broker(pid_t pid, const std::filesystem::path& configuration) {
  const std::filesystem::path process = std::filesystem::path("/proc") / std::to_string(pid);
  std::error_code error;
  const std::string program = std::filesystem::read_symlink(process / "exe", error).filename().string();
  // After an upgrade the kernel appends " (deleted)".
  if (error || !(program == "mosquitto" || program.starts_with("mosquitto "))) return false;
  const std::string command = content_of(process / "cmdline");  // the arguments, each ended by a zero byte
  const std::string wanted = '\0' + configuration.string() + '\0';
  return command.find(wanted) != std::string::npos;
}

pid_t pid_in(const std::filesystem::path& file) {
  const std::string text = content_of(file);
  const std::size_t end = text.find_first_not_of("0123456789");
  if (end == 0 || end == std::string::npos || end > 9 || text.substr(end) != "\n") return 0;
  return std::stoi(text);
}

std::optional<ProcessHandle> find(boost::asio::any_io_executor loop, pid_t pid,
                                  const std::filesystem::path& configuration) {
  if (pid <= 1 || !runs_our_broker(pid, configuration)) return std::nullopt;
  try {
    std::optional<ProcessHandle> process(std::in_place, loop, pid);
    // Looked at again: between the first look and the handle the number may have gone to another process.
    if (!runs_our_broker(pid, configuration)) return std::nullopt;
    return process;
  } catch (const Error&) {
    return std::nullopt;  // it has just ended
  }
}

}  // namespace

boost::asio::awaitable<void> end_leftover(boost::asio::any_io_executor loop, std::filesystem::path pid_file,
                                          std::filesystem::path configuration) {
  using boost::asio::experimental::awaitable_operators::operator||;
  std::optional<ProcessHandle> process = find(loop, pid_in(pid_file), configuration);
  if (!process) co_return;
  log::warn("broker: process {} of an earlier hub still runs; it is ended", process->pid());
  process->signal(SIGTERM);
  boost::asio::steady_timer timer(loop, kPatience);
  const auto first = co_await (process->ended() || timer.async_wait(boost::asio::use_awaitable));
  if (first.index() == 0) co_return;
  process->signal(SIGKILL);
  co_await process->ended();
}

}  // namespace hivemind::hub

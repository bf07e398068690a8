// Commands in containers, and what containers write.
#include <cctype>
#include <chrono>
#include <optional>
#include <utility>

#include "agent/engine/answers.h"
#include "agent/engine/decode.h"
#include "agent/engine/docker_engine.h"
#include "agent/engine/encode.h"
#include "agent/engine/exec_output.h"
#include "common/error.h"

namespace hivemind::agent {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds kLogIdle{5'000};

}  // namespace

asio::awaitable<Executed> DockerEngine::exec(std::string container, Hook command,
                                             std::chrono::milliseconds limit) {
  const std::string what =
      redacted(fmt::format("run '{}' in container '{}'", command.command.front(), container.substr(0, 12)));
  http::Request create;
  create.method = "POST";
  create.target = fmt::format("/containers/{}/exec", http::Client::escape(container));
  create.body = encode::exec_body(command);
  const auto created = co_await call(what, std::move(create));
  require_ok(what, created);
  const std::string id = decoded(what, decode::exec_id, created);

  http::Request start;
  start.method = "POST";
  start.target = fmt::format("/exec/{}/start", http::Client::escape(id));
  start.body = R"({"Detach":false,"Tty":false})";
  start.timeout = limit;
  const Clock::time_point deadline = Clock::now() + limit;
  ExecOutput output;
  const auto clean = [this](std::string text) { return redacted(std::move(text)); };
  const std::function<void(std::string_view)> on_data = [&output, deadline](std::string_view piece) {
    output.feed(piece);
    if (Clock::now() > deadline) throw Error(ErrorCode::kUnavailable, "the time is up");
  };
  std::optional<Error> failure;
  try {
    const auto response = co_await stream(what, std::move(start), on_data, limit);
    require_ok(what, response);
  } catch (const Error& error) {
    failure = error;
  }
  if (failure && Clock::now() < deadline) throw *failure;
  if (failure) co_return Executed{std::nullopt, output.text(clean)};

  http::Request inspect;
  inspect.target = fmt::format("/exec/{}/json", http::Client::escape(id));
  const auto inspected = co_await call(what, std::move(inspect));
  require_ok(what, inspected);
  co_return Executed{decoded(what, decode::exit_code_of_exec, inspected), output.text(clean)};
}

asio::awaitable<std::string> DockerEngine::container_log(std::string id, int lines) {
  const std::string what = fmt::format("read the log of container '{}'", id.substr(0, 12));
  http::Request request;
  request.target =
      fmt::format("/containers/{}/logs?stdout=1&stderr=1&tail={}", http::Client::escape(id), lines);
  // Without a terminal the streams come in frames, with one as they are.
  std::string start;
  ExecOutput framed;
  const auto clean = [this](std::string text) { return redacted(std::move(text)); };
  std::string raw;
  const std::function<void(std::string_view)> on_data = [&](std::string_view piece) {
    if (start.size() < 4) start.append(piece.substr(0, 4 - start.size()));
    framed.feed(piece);
    raw.append(piece);
    if (raw.size() > 4 * ExecOutput::kMost) raw.erase(0, raw.size() - 2 * ExecOutput::kMost);
  };
  const auto response = co_await stream(what, std::move(request), on_data, kLogIdle);
  if (!response.ok()) co_return std::string();
  const bool in_frames = start.size() == 4 && start[0] <= 2 && start.find_first_not_of('\0', 1) == start.npos;
  if (in_frames) co_return framed.text(clean);
  raw = redacted(std::move(raw));
  if (raw.size() > ExecOutput::kMost) raw.erase(0, raw.size() - ExecOutput::kMost);
  while (!raw.empty() && std::isspace(static_cast<unsigned char>(raw.back())) != 0) raw.pop_back();
  co_return raw;
}

}  // namespace hivemind::agent

// Commands in containers.
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

asio::awaitable<Executed> DockerEngine::exec(std::string container, Hook command,
                                             std::chrono::milliseconds limit) {
  const std::string what =
      fmt::format("run '{}' in container '{}'", command.command.front(), container.substr(0, 12));
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
  if (failure) co_return Executed{std::nullopt, output.text()};

  http::Request inspect;
  inspect.target = fmt::format("/exec/{}/json", http::Client::escape(id));
  const auto inspected = co_await call(what, std::move(inspect));
  require_ok(what, inspected);
  co_return Executed{decoded(what, decode::exit_code_of_exec, inspected), output.text()};
}

}  // namespace hivemind::agent

// What DockerEngine hands on as the engine says it.
#include "agent/engine/answers.h"
#include "agent/engine/decode.h"
#include "agent/engine/docker_engine.h"
#include "agent/engine/encode.h"

namespace hivemind::agent {

namespace asio = boost::asio;

asio::awaitable<std::optional<std::string>> DockerEngine::inspect(std::string what, std::string target) {
  http::Request request;
  request.target = std::move(target);
  http::Response response = co_await call(what, std::move(request));
  if (response.status == 404) co_return std::nullopt;
  require_ok(what, response);
  co_return std::move(response.body);
}

asio::awaitable<std::optional<std::string>> DockerEngine::inspect_container(std::string id) {
  const std::string what = fmt::format("inspect container '{}'", id);
  const std::string target = fmt::format("/containers/{}/json", http::Client::escape(id));
  co_return co_await inspect(what, target);
}

asio::awaitable<std::optional<std::string>> DockerEngine::inspect_network(std::string name) {
  const std::string what = fmt::format("inspect network '{}'", name);
  const std::string target = "/networks/" + http::Client::escape(name);
  co_return co_await inspect(what, target);
}

asio::awaitable<std::optional<std::string>> DockerEngine::inspect_volume(std::string name) {
  const std::string what = fmt::format("inspect volume '{}'", name);
  const std::string target = "/volumes/" + http::Client::escape(name);
  co_return co_await inspect(what, target);
}

asio::awaitable<std::vector<std::string>> DockerEngine::containers_with(std::string label) {
  const std::string what = fmt::format("list containers with label '{}'", label);
  http::Request request;
  request.target = "/containers/json?all=1&filters=" + encode::filters("label", {label});
  const http::Response response = co_await call(what, std::move(request));
  require_ok(what, response);
  co_return decoded(what, decode::container_ids, response);
}

}  // namespace hivemind::agent

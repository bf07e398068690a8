// Who holds which port of the node.
#include "agent/engine/answers.h"
#include "agent/engine/decode.h"
#include "agent/engine/docker_engine.h"

namespace hivemind::agent {

boost::asio::awaitable<std::vector<PublishedPort>> DockerEngine::published_ports() {
  const std::string what = "list published ports";
  http::Request request;
  request.target = "/containers/json";
  const http::Response response = co_await call(what, std::move(request));
  require_ok(what, response);
  co_return decoded(what, decode::published_ports, response);
}

}  // namespace hivemind::agent

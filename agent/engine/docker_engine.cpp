#include "agent/engine/docker_engine.h"

#include <cstdlib>
#include <utility>

#include "agent/engine/answers.h"
#include "agent/engine/decode.h"
#include "agent/engine/encode.h"
#include "common/error.h"

namespace hivemind::agent {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

namespace {

constexpr ApiVersion kOldestApi{1, 41};
constexpr ApiVersion kNewestApi{1, 56};

constexpr milliseconds kLook = 30s;
constexpr milliseconds kChange = 5min;  // a slow card, a volume that is filled from its image
constexpr milliseconds kStop = 1h;      // the engine waits for the container's own grace period

http::Request get(std::string target) {
  http::Request request;
  request.target = std::move(target);
  request.timeout = kLook;
  return request;
}

http::Request post(std::string target, std::string body = {}) {
  http::Request request;
  request.method = "POST";
  request.target = std::move(target);
  request.body = std::move(body);
  request.timeout = kChange;
  return request;
}

http::Request remove(std::string target) {
  http::Request request = post(std::move(target));
  request.method = "DELETE";
  return request;
}

// As people know them from 'docker ps'.
std::string short_id(const std::string& id) {
  const bool is_id = id.size() == 64 && id.find_first_not_of("0123456789abcdef") == std::string::npos;
  return is_id ? id.substr(0, 12) : id;
}

std::string of_container(std::string_view verb, const std::string& id) {
  return fmt::format("{} container '{}'", verb, short_id(id));
}

std::string container_path(const std::string& id, std::string_view verb) {
  return fmt::format("/containers/{}{}", http::Client::escape(id), verb);
}

// Docker answers 403 or 500 with words of its own, depending on its version.
bool is_not_connected(const http::Response& response) {
  return !response.ok() && decode::refusal(response.body).find("is not connected") != std::string::npos;
}

}  // namespace

http::Address engine_address_from_environment() {
  const char* const host = std::getenv("DOCKER_HOST");
  const char* const verify = std::getenv("DOCKER_TLS_VERIFY");
  if (host == nullptr || *host == '\0') return http::Address::parse("unix:///var/run/docker.sock");
  const http::Address address = [host] {
    try {
      return http::Address::parse(host);
    } catch (const Error& error) {
      throw error.within("DOCKER_HOST");
    }
  }();
  if (address.unix_path.empty() && verify != nullptr && *verify != '\0') {
    throw Error(
        ErrorCode::kInvalid,
        "DOCKER_HOST: '{}' with DOCKER_TLS_VERIFY: TLS to the engine is not supported (use its unix socket)",
        host);
  }
  return address;
}

DockerEngine::DockerEngine(asio::any_io_executor loop, http::Address address, std::string node)
    : loop_(loop), client_(loop, std::move(address)), node_(std::move(node)) {}

void DockerEngine::forget_version_after(const Error& error) {
  if (error.code() == ErrorCode::kUnavailable) api_.reset();
}

std::string DockerEngine::redacted(std::string text) const {
  if (redactor_) redactor_->redact(&text);
  return text;
}

// Engines quote what they were sent in what they refuse.
asio::awaitable<http::Response> DockerEngine::call_unversioned(std::string what, http::Request request) {
  try {
    http::Response response = co_await client_.send(std::move(request));
    if (refuses_version(response)) api_.reset();
    if (!response.ok()) response.body = redacted(std::move(response.body));
    co_return response;
  } catch (const Error& error) {
    forget_version_after(error);
    throw redacted(error.within(what));
  }
}

asio::awaitable<http::Response> DockerEngine::call(std::string what, http::Request request) {
  const ApiVersion api = co_await settled_version();
  request.target = "/v" + api.text() + request.target;
  co_return co_await call_unversioned(std::move(what), std::move(request));
}

asio::awaitable<http::Response> DockerEngine::stream(std::string what, http::Request request,
                                                     std::function<void(std::string_view)> on_data,
                                                     milliseconds idle) {
  const ApiVersion api = co_await settled_version();
  request.target = "/v" + api.text() + request.target;
  try {
    http::Response response = co_await client_.stream(std::move(request), std::move(on_data), idle);
    if (refuses_version(response)) api_.reset();
    if (!response.ok()) response.body = redacted(std::move(response.body));
    co_return response;
  } catch (const Error& error) {
    forget_version_after(error);
    throw redacted(error.within(what));
  }
}

asio::awaitable<ApiVersion> DockerEngine::settled_version() {
  if (api_) co_return *api_;
  const EngineInfo engine = co_await settle_version();
  co_return engine.api;
}

asio::awaitable<EngineInfo> DockerEngine::negotiate() {
  EngineInfo engine = co_await settle_version();
  auto request = get("/info");
  const auto answer = co_await call("ask the engine about itself", std::move(request));
  // Nothing depends on it that could not do without.
  if (answer.ok()) decode::info(answer.body, engine);
  co_return engine;
}

asio::awaitable<EngineInfo> DockerEngine::settle_version() {
  const std::string what = "settle the engine's API version";
  auto ask_ping = get("/_ping");
  const auto ping = co_await call_unversioned(what, std::move(ask_ping));
  require_ok(what, ping);
  auto ask_version = get("/version");
  const auto answer = co_await call_unversioned(what, std::move(ask_version));
  require_ok(what, answer);
  auto version = decoded(what, decode::version, answer);
  const auto header = ping.header("Api-Version");
  EngineInfo engine = std::move(version.engine);
  if (!header.empty()) engine.api = ApiVersion::parse(header);
  if (engine.api < kOldestApi) {
    throw Error(ErrorCode::kConflict,
                "engine '{}' speaks API {}, this agent {} and later (update the engine)", engine.version,
                engine.api.text(), kOldestApi.text());
  }
  if (version.oldest_api && *version.oldest_api > kNewestApi) {
    throw Error(ErrorCode::kConflict,
                "engine '{}' speaks API {} and later, this agent up to {} (update the agent)", engine.version,
                version.oldest_api->text(), kNewestApi.text());
  }
  engine.api = std::min(engine.api, kNewestApi);
  api_ = engine.api;
  co_return engine;
}

asio::awaitable<Created> DockerEngine::create_container(std::string name, std::string platform,
                                                        std::string body) {
  const std::string what = of_container("create", name);
  auto request = post(fmt::format("/containers/create?name={}{}{}", http::Client::escape(name),
                                  platform.empty() ? "" : "&platform=", http::Client::escape(platform)),
                      std::move(body));
  const auto response = co_await call(what, std::move(request));
  require_ok(what, response);
  Created created = decoded(what, decode::created, response);
  for (std::string& warning : created.warnings) warning = redacted(std::move(warning));
  co_return created;
}

asio::awaitable<void> DockerEngine::start_container(std::string id) {
  const std::string what = of_container("start", id);
  auto request = post(container_path(id, "/start"));
  const auto response = co_await call(what, std::move(request));
  if (response.status != 304) require_ok(what, response);
}

asio::awaitable<void> DockerEngine::stop_container(std::string id,
                                                   std::optional<std::chrono::seconds> grace) {
  const std::string what = of_container("stop", id);
  auto request = post(container_path(id, grace ? fmt::format("/stop?t={}", grace->count()) : "/stop"));
  request.timeout = kStop;
  const auto response = co_await call(what, std::move(request));
  if (response.status != 304) require_ok(what, response);
}

asio::awaitable<void> DockerEngine::set_restart_policy(std::string id, std::string policy) {
  const std::string what = of_container("set the restart policy of", id);
  auto request = post(container_path(id, "/update"), encode::restart_policy_body(policy));
  const auto response = co_await call(what, std::move(request));
  require_ok(what, response);
}

asio::awaitable<void> DockerEngine::unpause_container(std::string id) {
  const std::string what = of_container("unpause", id);
  auto request = post(container_path(id, "/unpause"));
  const auto response = co_await call(what, std::move(request));
  require_ok(what, response);
}

asio::awaitable<void> DockerEngine::rename_container(std::string id, std::string name) {
  const std::string what = fmt::format("rename container '{}' to '{}'", short_id(id), name);
  auto request = post(container_path(id, "/rename?name=" + http::Client::escape(name)));
  const auto response = co_await call(what, std::move(request));
  require_ok(what, response);
}

asio::awaitable<void> DockerEngine::remove_container(std::string id, bool force) {
  const std::string what = of_container("remove", id);
  auto request = remove(container_path(id, force ? "?v=1&force=1" : "?v=1"));
  const auto response = co_await call(what, std::move(request));
  if (response.status != 404) require_ok(what, response);
}

asio::awaitable<void> DockerEngine::connect_network(std::string network, std::string container,
                                                    std::string endpoint_body) {
  const std::string what =
      fmt::format("connect container '{}' to network '{}'", short_id(container), short_id(network));
  auto request = post(fmt::format("/networks/{}/connect", http::Client::escape(network)),
                      encode::connect_body(container, endpoint_body));
  const auto response = co_await call(what, std::move(request));
  require_ok(what, response);
}

asio::awaitable<bool> DockerEngine::network_exists(std::string name) {
  const std::string what = fmt::format("look for network '{}'", name);
  auto request = get("/networks?filters=" + encode::filters("name", {name}));
  const auto response = co_await call(what, std::move(request));
  require_ok(what, response);
  // The engine's filter finds every name that has this one in it.
  for (const EngineNetwork& network : decoded(what, decode::networks, response)) {
    if (network.name == name) co_return true;
  }
  co_return false;
}

asio::awaitable<void> DockerEngine::disconnect_network(std::string network, std::string container) {
  const std::string what =
      fmt::format("disconnect container '{}' from network '{}'", short_id(container), short_id(network));
  auto request = post(fmt::format("/networks/{}/disconnect", http::Client::escape(network)),
                      encode::disconnect_body(container));
  const auto response = co_await call(what, std::move(request));
  if (response.status == 404 || is_not_connected(response)) co_return;
  require_ok(what, response);
}

asio::awaitable<std::vector<NetworkUser>> DockerEngine::network_users(std::string id) {
  const std::string what = fmt::format("inspect network '{}'", short_id(id));
  auto request = get("/networks/" + http::Client::escape(id));
  const auto response = co_await call(what, std::move(request));
  if (response.status == 404) co_return std::vector<NetworkUser>();
  require_ok(what, response);
  co_return decoded(what, decode::network_users, response);
}

asio::awaitable<Created> DockerEngine::create_network(std::string body) {
  const std::string what = "create network";
  auto request = post("/networks/create", std::move(body));
  const auto response = co_await call(what, std::move(request));
  require_ok(what, response);
  Created created = decoded(what, decode::network, response);
  networks_.insert(created.id);
  co_return created;
}

asio::awaitable<void> DockerEngine::remove_network(std::string id) {
  const std::string what = fmt::format("remove network '{}'", short_id(id));
  auto request = remove("/networks/" + http::Client::escape(id));
  const auto response = co_await call(what, std::move(request));
  if (response.status != 404) require_ok(what, response);
}

asio::awaitable<bool> DockerEngine::volume_exists(std::string name) {
  const std::string what = fmt::format("look for volume '{}'", name);
  auto request = get("/volumes/" + http::Client::escape(name));
  const auto response = co_await call(what, std::move(request));
  if (response.status == 404) co_return false;
  require_ok(what, response);
  co_return true;
}

asio::awaitable<EngineVolume> DockerEngine::create_volume(std::string body) {
  const std::string what = "create volume";
  auto request = post("/volumes/create", std::move(body));
  const auto response = co_await call(what, std::move(request));
  require_ok(what, response);
  co_return decoded(what, decode::volume, response);
}

asio::awaitable<void> DockerEngine::remove_volume(std::string name) {
  const std::string what = fmt::format("remove volume '{}'", name);
  auto request = remove("/volumes/" + http::Client::escape(name));
  const auto response = co_await call(what, std::move(request));
  if (response.status != 404) require_ok(what, response);
}

}  // namespace hivemind::agent

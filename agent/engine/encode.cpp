#include "agent/engine/encode.h"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "common/digest.h"
#include "common/error.h"
#include "common/http/client.h"

namespace hivemind::agent::encode {

using Json = nlohmann::json;

std::string filters(std::string_view key, const std::vector<std::string>& values) {
  Json filter = Json::object();
  filter[std::string(key)] = values;
  return http::Client::escape(filter.dump());
}

std::string exec_body(const Hook& command) {
  Json body = {{"AttachStdout", true},
               {"AttachStderr", true},
               {"Cmd", command.command},
               {"Privileged", command.privileged}};
  if (!command.user.empty()) body["User"] = command.user;
  if (!command.working_dir.empty()) body["WorkingDir"] = command.working_dir;
  if (!command.environment.empty()) body["Env"] = command.environment;
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string restart_policy_body(std::string_view policy) {
  const std::size_t colon = policy.find(':');
  Json body = {{"Name", std::string(policy.substr(0, colon))}};
  int most = 0;
  if (colon != std::string_view::npos)
    std::from_chars(policy.data() + colon + 1, policy.data() + policy.size(), most);
  if (most > 0) body["MaximumRetryCount"] = most;
  return Json({{"RestartPolicy", std::move(body)}}).dump();
}

std::string registry_auth(const RegistryLogin& login) {
  // Docker Hub goes by the address of its first version in every login.
  constexpr const char* kDockerHub = "https://index.docker.io/v1/";
  Json auth = {{"serveraddress", login.registry == "docker.io" ? kDockerHub : login.registry}};
  if (!login.identity_token.empty()) {
    auth["identitytoken"] = login.identity_token;
  } else {
    auth["username"] = login.username;
    auth["password"] = login.password;
  }
  std::string text = to_base64(auth.dump(-1, ' ', false, Json::error_handler_t::replace));
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

std::string disconnect_body(std::string_view container) {
  return Json({{"Container", std::string(container)}}).dump();
}

std::string connect_body(std::string_view container, std::string_view endpoint_body) {
  const std::string_view text = endpoint_body.empty() ? "{}" : endpoint_body;
  Json endpoint = Json::parse(text.begin(), text.end(), nullptr, false);
  if (!endpoint.is_object())
    throw Error(ErrorCode::kInvalid, "the settings of the endpoint are no JSON object");
  Json body = Json::object();
  body["Container"] = std::string(container);
  body["EndpointConfig"] = std::move(endpoint);
  return body.dump();
}

}  // namespace hivemind::agent::encode

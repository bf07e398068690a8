#include "agent/engine/encode.h"

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/http/client.h"

namespace hivemind::agent::encode {

using Json = nlohmann::json;

std::string filters(std::string_view key, const std::vector<std::string>& values) {
  Json filter = Json::object();
  filter[std::string(key)] = values;
  return http::Client::escape(filter.dump());
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

#include "hub/api/trust_routes.h"

#include "hub/api/trust_view.h"
#include "hub/api/views.h"

namespace hivemind::hub::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

std::string key_of(const Operations& operations) {
  const TrustStatus& trust = operations.status().trust;
  return trust.keys.empty() ? "" : trust.keys.back().id;
}

Response shown(const Operations& operations) {
  return json_response(trust_view(operations.status().trust, operations.inventory()));
}

Response rotate(Operations& operations) {
  const std::string before = key_of(operations);
  operations.rotate_key();
  Response response = shown(operations);
  response.change = Change{json({{"key", before}}), json({{"key", key_of(operations)}})};
  return response;
}

asio::awaitable<Response> resume(Operations& operations) {
  const std::string reason = operations.status().trust.held_text;
  const SyncResult result = co_await operations.resume();
  Response response = json_response(sync_view(result));
  response.change = Change{json({{"held", reason}}), json({{"published", result.published}})};
  co_return response;
}

}  // namespace

Table trust_routes(Operations& operations) {
  Operations* const hub = &operations;
  return {
      for_whole_fleet("the signing key",
                      look("/api/v1/trust", Role::kViewer, [hub](const Request&) { return shown(*hub); })),
      for_whole_fleet(
          "a rotation of the key",
          {"POST", "/api/v1/trust/rotate", Role::kAdmin, {"trust.rotate"}, at_once([hub](const Request&) {
             return rotate(*hub);
           })}),
      for_whole_fleet("letting the hub go on", {"POST",
                                                "/api/v1/trust/resume",
                                                Role::kAdmin,
                                                {"trust.resume"},
                                                [hub](const Request&) { return resume(*hub); }}),
  };
}

}  // namespace hivemind::hub::api

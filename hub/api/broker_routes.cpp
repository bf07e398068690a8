#include "hub/api/broker_routes.h"

#include <chrono>
#include <utility>

#include "common/error.h"
#include "hub/api/message.h"
#include "hub/broker/configuration.h"

namespace hivemind::hub::api {
namespace {

using nlohmann::json;

constexpr auto kServerLife = std::chrono::days(397);
constexpr const char* kDefaultListen = "0.0.0.0:8883";
constexpr const char* kDefaultDirectory = "/etc/mosquitto/hivemind";

std::string text_of(const json& body, const char* member, const char* otherwise) {
  const auto found = body.find(member);
  if (found == body.end() || found->is_null()) return otherwise;
  if (!found->is_string()) throw Error(ErrorCode::kInvalid, "'{}' is no text", member);
  return found->get<std::string>();
}

// Where Mosquitto will find them. It takes the rest of a line as it stands, so there may be no second one.
std::filesystem::path directory_of(const std::string& text) {
  const bool is_plain = text.starts_with('/') && text.find_first_of("\r\n") == std::string::npos;
  if (!is_plain) throw Error(ErrorCode::kInvalid, "directory '{}' is no absolute path", text);
  return text;
}

json files_of(const Authority& authority, const BrokerFacts& facts, const std::string& listen_text,
              const std::filesystem::path& directory) {
  const ListenAddress listen = ListenAddress::parse(listen_text);
  std::vector<std::string> hosts = facts.advertise;
  hosts.push_back(listen.host);
  const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  const BrokerTlsFiles files{directory / "ca.pem", directory / "server.pem", directory / "revoked.pem",
                             directory / "acl"};
  return {{"hivemind.conf", external_configuration(listen, files)},
          {"ca.pem", authority.anchor_pem()},
          {"server.pem", authority.issue_broker(server_names(hosts), now + kServerLife).pem()},
          {"revoked.pem", facts.revocation_list()},
          {"acl", access_control()}};
}

}  // namespace

Table broker_routes(const Authority& authority, BrokerFacts facts) {
  const auto answer = [&authority, facts = std::move(facts)](const Request& request) {
    const json body = body_object(request.body);
    return verbatim_response(
        {{"files", files_of(authority, facts, text_of(body, "listen", kDefaultListen),
                            directory_of(text_of(body, "directory", kDefaultDirectory)))}});
  };
  return {for_whole_fleet("the broker", {"POST",
                                         "/api/v1/broker/config",
                                         Role::kAdmin,
                                         {"broker.config", {"listen", "directory"}},
                                         at_once(answer)})};
}

}  // namespace hivemind::hub::api

#include <set>

#include <nlohmann/json.hpp>

#include "common/file.h"
#include "common/http/client.h"
#include "tests/integration/hub/hub_fixture.h"

using namespace hivemind;
using namespace hivemind::hub;

namespace {

class RoutesFixture : public Fixture {
 public:
  // What the running hub answers over HTTP.
  http::Response ask(const std::string& method, const std::string& target, const std::string& token,
                     const std::string& body = "") {
    http::Client client(hub_loop->get_executor(),
                        http::Address::parse("http://127.0.0.1:" + std::to_string(hub->api_port())));
    http::Request request;
    request.method = method;
    request.target = target;
    request.body = body;
    if (!token.empty()) request.headers.emplace_back("Authorization", "Bearer " + token);
    std::optional<http::Response> response;
    boost::asio::co_spawn(*hub_loop, client.send(std::move(request)),
                          [&](std::exception_ptr failure, http::Response answer) {
                            if (failure) std::rethrow_exception(failure);
                            response = std::move(answer);
                          });
    run_until([&] { return response.has_value(); });
    return *response;
  }
};

}  // namespace

// Whoever adds a route adds it here as well when it is to be open.
TEST_CASE_METHOD(RoutesFixture,
                 "each route of the hub lets in who has its role, and every change is written down") {
  using nlohmann::json;
  const std::set<std::string> open{"GET /healthz", "GET /readyz", "GET /api/v1/ca", "POST /api/v1/enroll",
                                   "POST /api/v1/renew"};
  start_hub();
  std::string admin = read_file(config.data_dir / "admin.token");
  admin.pop_back();
  const auto make = [&](const std::string& role) {
    const json wanted = {{"name", role}, {"role", role}};
    const http::Response made = ask("POST", "/api/v1/access/tokens", admin, wanted.dump());
    REQUIRE(made.status == 200);
    return json::parse(made.body)["token"].get<std::string>();
  };
  const std::vector<std::pair<api::Role, std::string>> people{{api::Role::kNobody, ""},
                                                              {api::Role::kViewer, make("viewer")},
                                                              {api::Role::kOperator, make("operator")},
                                                              {api::Role::kAdmin, admin}};
  for (const api::Route& route : hub->routes()) {
    std::string target(route.pattern);
    for (std::size_t at = 0; (at = target.find('{')) != std::string::npos;) {
      target.replace(at, target.find('}', at) - at + 1, "nobodys");
    }
    const std::string key = std::string(route.method) + " " + std::string(route.pattern);
    CHECK((route.least == api::Role::kNobody) == open.contains(key));
    CHECK(route.audited.action.empty() == (route.method == "GET"));
    if (route.least == api::Role::kNobody) continue;
    if (route.method != "GET") CHECK(route.least >= api::Role::kOperator);
    for (const auto& [role, token] : people) {
      INFO(key << " as " << api::to_string(role));
      const http::Response response = ask(std::string(route.method), target, token);
      const bool is_refused = response.status == 401 || response.status == 403;
      CHECK(is_refused == (role < route.least));
      if (is_refused || route.method == "GET") continue;
      const json newest_entry = json::parse(
          ask("GET",
              "/api/v1/audit?limit=1&who=" + std::string(role == api::Role::kAdmin ? "admin" : "operator"),
              admin)
              .body)["entries"][0];
      INFO(newest_entry.dump());
      CHECK(newest_entry["action"] == std::string(route.audited.action));
      CHECK(newest_entry["outcome"] != "unknown");
      CHECK(newest_entry["address"] == "127.0.0.1");
    }
  }
  CHECK(json::parse(ask("GET", "/api/v1/audit/verify", admin).body)["whole"] == true);
}

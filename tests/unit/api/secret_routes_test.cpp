#include "hub/api/secret_routes.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "common/digest.h"
#include "hub/api/routes.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::hub;
using nlohmann::json;

namespace {

struct Fixture {
  tests::TemporaryDirectory directory;
  Store store{directory.path()};
  Redactor redactor;
  SecretKeeper keeper{store, open_master_key(directory.path() / "master.key", store), redactor};
  std::map<std::string, std::vector<SecretUser>> users{{"DB", {{"shop", {}}, {"web", {}}}}};
  std::vector<NodeIdentity> nodes{{"pi-1", {{"site", "berlin"}}}, {"pi-2", {}}};
  bool knows_users = true;
  int changes = 0;
  std::vector<api::Change> audited;
  api::Routes routes{
      api::secret_routes(
          keeper, {[this](const std::string& name) { return users[name]; }, [this] { return knows_users; },
                   [this] { return nodes; }, [](const std::string& stack) { return stack == "web"; },
                   [this] { ++changes; }}),
      {[](const api::Caller&, const std::string&) { return true; },
       [](const api::Route&, const api::Request&) { return std::int64_t{0}; },
       [this](const api::Route&, const api::Request&, std::int64_t, const api::Response& response) {
         if (response.change) audited.push_back(*response.change);
       }}};
  api::Caller caller{"anna", api::Role::kAdmin, {}, "192.0.2.7", {}};

  api::Response ask(const std::string& method, const std::string& target, const std::string& body = "") {
    boost::asio::io_context loop;
    api::Response response;
    api::Request request = api::Request::parse(method, target, body);
    request.caller = caller;
    boost::asio::co_spawn(loop, routes.respond(std::move(request)),
                          [&](std::exception_ptr failure, api::Response answer) {
                            try {
                              if (failure) std::rethrow_exception(failure);
                              response = std::move(answer);
                            } catch (const Error& error) {
                              response = api::error_response(error);
                            }
                          });
    loop.run();
    return response;
  }
  unsigned status(const std::string& method, const std::string& target, const std::string& body = "") {
    return ask(method, target, body).status;
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a value that is set is listed by name, scope and users, and shown nowhere") {
  const api::Response set = ask("PUT", "/api/v1/secrets/DB", R"({"value": "hunter2"})");
  CHECK(set.status == 200);
  CHECK(json::parse(set.body)["text"] == "secret 'DB' is set for the fleet, used by stacks 'shop', 'web'");
  CHECK(changes == 1);
  const std::string encoded = to_base64(std::string("hunter\0three", 12));
  CHECK(status("PUT", "/api/v1/secrets/DB",
               R"({"scope": "node:pi-1", "value_base64": ")" + encoded + "\"}") == 200);
  const json listed = json::parse(ask("GET", "/api/v1/secrets").body)["secrets"];
  REQUIRE(listed.size() == 2);
  CHECK(listed[0]["name"] == "DB");
  CHECK(listed[0]["scope"] == "fleet");
  CHECK(listed[1]["scope"] == "node:pi-1");
  CHECK(listed[0]["used_by"] == json({"shop", "web"}));
  CHECK(listed[1]["used_by"] == json({"shop", "web"}));
  users["DB"][1].nodes.ids = {"pi-2"};
  CHECK(json::parse(ask("GET", "/api/v1/secrets").body)["secrets"][1]["used_by"] == json::array({"shop"}));
  CHECK(json::parse(ask("PUT", "/api/v1/secrets/DB", R"({"value": "hunter2"})").body)["changed"] == false);
  CHECK(changes == 2);
  REQUIRE(audited.size() == 2);
  CHECK(audited[0].before.is_null());
  for (const api::Change& change : audited) CHECK(change.after.dump().find("hunter") == std::string::npos);
}

TEST_CASE_METHOD(Fixture,
                 "a value is removed without force where another takes its place, and the answer says so") {
  ask("PUT", "/api/v1/secrets/DB", R"({"value": "hunter2"})");
  ask("PUT", "/api/v1/secrets/DB", R"({"value": "hunter3", "scope": "selector:site=berlin"})");
  const api::Response removed = ask("DELETE", "/api/v1/secrets/DB?scope=selector:site=berlin");
  CHECK(removed.status == 200);
  CHECK(json::parse(removed.body)["text"] ==
        "secret 'DB' is removed for nodes with 'site=berlin'; stacks 'shop', 'web': the value for the fleet "
        "takes "
        "its place");
  const api::Response refused = ask("DELETE", "/api/v1/secrets/DB");
  CHECK(refused.status == 409);
  CHECK(json::parse(refused.body)["error"]["message"] ==
        "secret 'DB' for the fleet is used by stacks 'shop', 'web', and the hub has no other value for them "
        "(take "
        "it out there first, or use --force: the value of secrets.yml takes its place, and where there is "
        "none, "
        "what runs goes on unchanged)");
  CHECK(json::parse(ask("DELETE", "/api/v1/secrets/DB?force=true").body)["text"] ==
        "secret 'DB' is removed for the fleet; stacks 'shop', 'web': the value of secrets.yml takes its "
        "place, and "
        "where there is none, what runs goes on unchanged");
}

TEST_CASE_METHOD(Fixture, "whom a value is for may be unknown, and the answer says so") {
  const auto warned = [&](const std::string& scope, const std::string& value) {
    const json answer =
        json::parse(ask("PUT", "/api/v1/secrets/NEW", json{{"value", value}, {"scope", scope}}.dump()).body);
    for (const json& warning : answer["warnings"])
      CHECK(answer["text"].get<std::string>().ends_with("; " + warning.get<std::string>()));
    return answer["warnings"].dump();
  };
  CHECK(warned("node:pi-1", "hunter2") == "[]");
  CHECK(warned("stack:web", "hunter2") == "[]");
  CHECK(warned("selector:site=berlin", "hunter2") == "[]");
  CHECK(warned("node:pi-9", "hunter2") == R"(["there is no node 'pi-9' yet"])");
  CHECK(warned("stack:wbe", "hunter2") == R"(["stacks.yml lists no stack 'wbe' yet"])");
  CHECK(warned("selector:site=rome", "hunter2") == R"(["there are no nodes with 'site=rome' yet"])");
  CHECK(
      warned("fleet", "abc") ==
      R"(["a value of less than 4 bytes is not taken out of logs and reports: it would be found everywhere"])");
}

TEST_CASE_METHOD(Fixture, "what can be no registry and no login is refused in words for people") {
  const auto refusal = [&](const std::string& registry, const std::string& body) {
    const api::Response response = ask("PUT", "/api/v1/registries/" + registry, body);
    CHECK(response.status == 400);
    return json::parse(response.body)["error"]["message"].get<std::string>();
  };
  const std::string good = R"({"username": "me", "password": "pass-word"})";
  CHECK(refusal("not%20a%20host", good) ==
        "'not a host' is no registry (expected HOST or HOST:PORT as images name it, such as 'ghcr.io')");
  refusal("ghcr.io%2Fme", good);
  refusal("reg", good);
  CHECK(refusal("ghcr.io", R"({"username": "me", "password": ""})") == "the password of 'me' is empty");
  CHECK(refusal("ghcr.io", R"({"username": "", "identity_token": ""})") == "the identity token is empty");
  CHECK(keeper.logins().empty());
}

TEST_CASE_METHOD(Fixture, "a secret in use is removed by force only") {
  ask("PUT", "/api/v1/secrets/DB", R"({"value": "hunter2"})");
  ask("PUT", "/api/v1/secrets/FREE", R"({"value": "hunter2", "scope": "stack:web"})");
  CHECK(status("DELETE", "/api/v1/secrets/DB") == 409);
  CHECK(status("DELETE", "/api/v1/secrets/FREE") == 404);
  CHECK(status("DELETE", "/api/v1/secrets/FREE?scope=stack:web") == 200);
  CHECK(status("DELETE", "/api/v1/secrets/DB?force=true") == 200);
  CHECK(keeper.secrets().empty());
  CHECK(changes == 4);
}

TEST_CASE_METHOD(Fixture, "what is no secret is refused, and a value never quoted") {
  for (const char* body :
       {"", "[]", "{}", R"({"value": 1})", R"({"value": "a", "value_base64": "YQ=="})",
        R"({"value": "a", "other": "b"})", R"({"value": ""})", R"({"value": "a", "scope": "x"})"}) {
    INFO(body);
    CHECK(status("PUT", "/api/v1/secrets/DB", body) == 400);
  }
  const api::Response bad = ask("PUT", "/api/v1/secrets/DB", R"({"value_base64": "hunter2!"})");
  CHECK(bad.status == 400);
  CHECK(bad.body.find("hunter2") == std::string::npos);
  CHECK(status("PUT", "/api/v1/secrets/a%20b", R"({"value": "a"})") == 400);
  CHECK(changes == 0);
}

TEST_CASE_METHOD(Fixture, "logins are kept by canonical registry, and told without passwords") {
  CHECK(status("PUT", "/api/v1/registries/index.docker.io",
               R"({"username": "me", "password": "pass-word"})") == 200);
  CHECK(status("PUT", "/api/v1/registries/reg:5000", R"({"identity_token": "tok-en"})") == 200);
  CHECK(status("PUT", "/api/v1/registries/ghcr.io", R"({"username": "me"})") == 400);
  const std::string body = ask("GET", "/api/v1/registries").body;
  CHECK(body.find("pass-word") == std::string::npos);
  CHECK(body.find("tok-en") == std::string::npos);
  const json listed = json::parse(body)["registries"];
  REQUIRE(listed.size() == 2);
  CHECK(listed[0]["registry"] == "docker.io");
  CHECK(listed[0]["username"] == "me");
  CHECK(status("DELETE", "/api/v1/registries/docker.io") == 200);
  CHECK(status("DELETE", "/api/v1/registries/docker.io") == 404);
  CHECK(changes == 3);
}

TEST_CASE_METHOD(Fixture, "viewers look, and only those of the whole fleet with all rights change") {
  caller.role = api::Role::kViewer;
  CHECK(status("GET", "/api/v1/secrets") == 200);
  CHECK(json::parse(ask("GET", "/api/v1/sealing-key").body)["key"] == keeper.git_key());
  CHECK(status("PUT", "/api/v1/secrets/DB", R"({"value": "hunter2"})") == 403);
  caller.role = api::Role::kOperator;
  CHECK(status("DELETE", "/api/v1/secrets/DB") == 403);
  caller.role = api::Role::kAdmin;
  caller.scope.stacks = {"web"};
  CHECK(status("PUT", "/api/v1/secrets/DB", R"({"value": "hunter2"})") == 403);
  CHECK(status("GET", "/api/v1/registries") == 403);
}

TEST_CASE_METHOD(Fixture, "while it is not known who uses a secret, only force removes it") {
  REQUIRE(status("PUT", "/api/v1/secrets/FREE", R"({"value": "hunter2"})") == 200);
  knows_users = false;
  CHECK(status("DELETE", "/api/v1/secrets/FREE") == 503);
  CHECK(status("DELETE", "/api/v1/secrets/FREE?force=true") == 200);
}

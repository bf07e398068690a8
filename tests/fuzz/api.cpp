#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "hub/api/fleet_routes.h"
#include "hub/api/routes.h"
#include "hub/api/trust_routes.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/api/fake_operations.h"

// "METHOD TARGET", a line end, and the body of a request to a hub of values.
namespace hivemind::tests {
namespace {

// What a thrown Error becomes in the server, and nothing else may be thrown.
hub::api::Response answer(const std::string& method, const std::string& target, const std::string& body) {
  boost::asio::io_context loop;
  FakeOperations operations(loop.get_executor());
  operations.on_wait = [] { throw Error(ErrorCode::kUnavailable, "nobody waits here"); };
  hub::Node& node = operations.fleet.node("pi-1");
  node.presence = hub::Presence::kOnline;
  node.stacks = {{"web", {"digest", "revision"}}};
  int audited = 0;
  hub::api::Routes routes(
      hub::api::join({hub::api::fleet_routes(operations), hub::api::work_routes(operations),
                      hub::api::trust_routes(operations)}),
      {[](const hub::api::Caller&, const std::string&) { return true; },
       [&](const hub::api::Route&, const hub::api::Request&) { return std::int64_t{++audited}; },
       [&](const hub::api::Route&, const hub::api::Request&, std::int64_t, const hub::api::Response&) {
         --audited;
       }});
  hub::api::Response response;
  const auto take = [&](const std::exception_ptr& failure, hub::api::Response given) {
    response = std::move(given);
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const Error& error) {
      response = hub::api::error_response(error);
    }
  };
  try {
    hub::api::Request request = hub::api::Request::parse(method, target, body);
    request.caller.name = "fuzz";
    request.caller.role = hub::api::Role::kAdmin;
    request.caller.address = "127.0.0.1";
    boost::asio::co_spawn(loop, routes.respond(std::move(request)), take);
    loop.run();
  } catch (const Error& error) {
    return hub::api::error_response(error);
  }
  require(audited == 0, "what was done is not in the audit log");
  return response;
}

}  // namespace
}  // namespace hivemind::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hivemind;
  const std::string text(tests::text_of(data, size));
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::size_t space = std::min(text.find(' '), line);
  const std::string target = text.substr(std::min(space + 1, line), line - std::min(space + 1, line));
  const std::string body = line < text.size() ? text.substr(line + 1) : "";
  const hub::api::Response response = tests::answer(text.substr(0, space), target, body);
  tests::require(response.status >= 200 && response.status < 600, "an answer has no status");
  const bool is_json = response.content_type == "application/json";
  if (is_json) tests::require(nlohmann::json::accept(response.body), "an answer is no JSON");
  return 0;
}

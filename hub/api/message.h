#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "hub/api/caller.h"

namespace hivemind::hub::api {

struct Request {
  std::string method;
  std::vector<std::string> path;  // decoded segments, without empty ones
  std::map<std::string, std::string, std::less<>> query;
  std::string body;
  Caller caller;
  std::map<std::string, std::string, std::less<>> variables;  // of the route's pattern

  // Splits and decodes path and query. Throws kInvalid for broken percent-encoding and what is no absolute
  // path.
  static Request parse(std::string_view method, std::string_view target, std::string body);

  std::string_view parameter(std::string_view name) const;
  // A variable that the route's pattern has.
  const std::string& variable(std::string_view name) const;
  // Throws kInvalid when the parameter is no whole number from least to most.
  std::int64_t number(std::string_view name, std::int64_t otherwise, std::int64_t least,
                      std::int64_t most) const;
};

// What a request has changed, for the audit log: never with a secret's value.
struct Change {
  nlohmann::json before;  // null: it was not there
  nlohmann::json after;   // null: it is not there any more
};

// A request's body: an object, without members for an empty body. Throws kInvalid for anything else, and for
// more levels than any request needs: JSON is copied and printed by recursion, and a stack has an end.
nlohmann::json body_object(std::string_view body);

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string allow = {};  // of a 405: the methods that there are
  std::optional<Change> change = {};
  std::optional<std::chrono::seconds> retry_after = {};
  // Keys, certificates and tokens that the hub has made, and addresses: a secret with the same letters in it
  // is none there, and without them the answer is of no use. It quotes nobody.
  bool is_verbatim = false;
  bool ends_caller = false;  // the token that it was asked with is good no more, because of what was asked
};

// {"error":{"code":…,"message":…}}
Response error_response(unsigned status, std::string_view code, std::string_view message);
Response error_response(const Error& error);

}  // namespace hivemind::hub::api

#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace hivemind::hub::api {

struct Request {
  std::string method;
  std::vector<std::string> path;  // decoded segments, without empty ones
  std::map<std::string, std::string, std::less<>> query;
  std::string body;

  // Splits and decodes path and query. Throws kInvalid for broken percent-encoding and what is no absolute
  // path.
  static Request parse(std::string_view method, std::string_view target, std::string body);

  std::string_view parameter(std::string_view name) const;
  // Throws kInvalid when the parameter is no whole number from least to most.
  std::int64_t number(std::string_view name, std::int64_t otherwise, std::int64_t least,
                      std::int64_t most) const;
};

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string allow;  // of a 405: the methods that there are
};

// {"error":{"code":…,"message":…}}
Response error_response(unsigned status, std::string_view code, std::string_view message);
Response error_response(const Error& error);

}  // namespace hivemind::hub::api

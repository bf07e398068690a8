#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "common/http/client.h"

namespace hivemind::tests {

// An HTTP exchange after another, each of them awaited: what a test needs, on the client that the product
// uses. Throws hivemind::Error as http::Client does.
class BlockingHttp {
 public:
  // "http://HOST:PORT", "https://HOST:PORT" or "unix:///path". The headers go with every request.
  explicit BlockingHttp(std::string url, std::vector<std::pair<std::string, std::string>> headers = {},
                        http::Tls tls = {});

  http::Response send(http::Request request) const;
  http::Response send(const std::string& method, const std::string& target,
                      const std::string& body = "") const;
  // Throws std::runtime_error when the answer is no success or no JSON.
  nlohmann::json json(const std::string& method, const std::string& target,
                      const std::string& body = "") const;
  nlohmann::json get(const std::string& target) const { return json("GET", target); }

 private:
  std::string url_;
  std::vector<std::pair<std::string, std::string>> headers_;
  http::Tls tls_;
};

}  // namespace hivemind::tests

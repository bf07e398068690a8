#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/http/client.h"

namespace hivemind::agent {

// The hub's API as a node asks it: HTTPS, with the hub's CA as the only one that may vouch for the server,
// under the one name that it gives to servers, whatever the address. Loop thread. Errors as http::Client's.
class HubApi {
 public:
  struct Answer {
    unsigned status = 0;
    std::string body;
    std::optional<std::int64_t> date_s;  // by the hub's clock
  };

  // url: https://HOST[:PORT]. ca: PEM. Throws kInvalid for what cannot be used.
  HubApi(boost::asio::any_io_executor loop, const std::string& url, const std::string& ca);
  // Believes whoever answers: for the question whose answer is checked by itself.
  static HubApi unverified(boost::asio::any_io_executor loop, const std::string& url);

  boost::asio::awaitable<Answer> get(std::string target) { return ask("GET", std::move(target), ""); }
  boost::asio::awaitable<Answer> post(std::string target, std::string body) {
    return ask("POST", std::move(target), std::move(body));
  }

  // Of the URL.
  static std::string host_of(const std::string& url);

 private:
  HubApi(boost::asio::any_io_executor loop, const std::string& url, const http::Tls& tls);
  boost::asio::awaitable<Answer> ask(std::string method, std::string target, std::string body);

  std::unique_ptr<http::Client> client_;
};

}  // namespace hivemind::agent

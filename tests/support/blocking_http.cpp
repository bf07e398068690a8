#include "tests/support/blocking_http.h"

#include <exception>
#include <stdexcept>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace hivemind::tests {

BlockingHttp::BlockingHttp(std::string url, std::vector<std::pair<std::string, std::string>> headers,
                           http::Tls tls)
    : url_(std::move(url)), headers_(std::move(headers)), tls_(std::move(tls)) {}

http::Response BlockingHttp::send(http::Request request) const {
  request.headers.insert(request.headers.end(), headers_.begin(), headers_.end());
  boost::asio::io_context loop;
  http::Client client(loop.get_executor(), http::Address::parse(url_), tls_);
  http::Response response;
  std::exception_ptr failure;
  boost::asio::co_spawn(loop, client.send(std::move(request)),
                        [&](std::exception_ptr error, http::Response got) {
                          failure = error;
                          response = std::move(got);
                          loop.stop();
                        });
  loop.run();
  if (failure) std::rethrow_exception(failure);
  return response;
}

http::Response BlockingHttp::send(const std::string& method, const std::string& target,
                                  const std::string& body) const {
  http::Request request;
  request.method = method;
  request.target = target;
  request.body = body;
  request.timeout = std::chrono::seconds(90);
  return send(std::move(request));
}

nlohmann::json BlockingHttp::json(const std::string& method, const std::string& target,
                                  const std::string& body) const {
  const http::Response response = send(method, target, body);
  const std::string what = method + " " + url_ + target + ": ";
  if (!response.ok()) throw std::runtime_error(what + std::to_string(response.status) + " " + response.body);
  if (response.body.empty()) return nullptr;
  return nlohmann::json::parse(response.body);
}

}  // namespace hivemind::tests

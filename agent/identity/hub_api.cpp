#include "agent/identity/hub_api.h"

#include <utility>

#include "agent/identity/messages.h"
#include "common/error.h"

namespace hivemind::agent {
namespace {

// Of the certificate that the hub's CA has made for its servers.
constexpr const char* kServerName = "hivemind-hub";
constexpr std::chrono::milliseconds kPatience{20'000};

http::Address address_of(const std::string& url) {
  http::Address address = http::Address::parse(url);
  if (!address.is_tls)
    throw Error(ErrorCode::kInvalid, "the hub's address '{}' is not of the form https://HOST[:PORT]", url);
  return address;
}

}  // namespace

HubApi::HubApi(boost::asio::any_io_executor loop, const std::string& url, const http::Tls& tls)
    : client_(std::make_unique<http::Client>(std::move(loop), address_of(url), tls)) {}

HubApi::HubApi(boost::asio::any_io_executor loop, const std::string& url, const std::string& ca)
    : HubApi(std::move(loop), url, http::Tls{http::Trust::kGiven, ca, kServerName}) {}

HubApi HubApi::unverified(boost::asio::any_io_executor loop, const std::string& url) {
  return {std::move(loop), url, http::Tls{http::Trust::kNothing, "", kServerName}};
}

boost::asio::awaitable<HubApi::Answer> HubApi::ask(std::string method, std::string target, std::string body) {
  http::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.body = std::move(body);
  request.timeout = kPatience;
  http::Response response = co_await client_->send(std::move(request));
  const std::optional<std::int64_t> date_s = parse_http_date(response.header("Date"));
  co_return Answer{response.status, std::move(response.body), date_s};
}

std::string HubApi::host_of(const std::string& url) {
  return address_of(url).host;
}

}  // namespace hivemind::agent

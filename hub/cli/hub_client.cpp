#include "hub/cli/hub_client.h"

#include <exception>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include "common/defaults.h"
#include "common/error.h"
#include "common/file.h"

namespace hivemind::hub::cli {
namespace {

constexpr const char* kGiveToken =
    "it is 'admin.token' in the hub's data directory; give it with --token-file FILE or HIVEMIND_TOKEN_FILE";

constexpr const char* kGiveCa =
    "give the file of the CA that vouches for it with --ca FILE or HIVEMIND_CA; the hub's own is 'ca.pem' in "
    "its "
    "data directory";

// A CA that lies beside the token is the hub's own. It vouches for hubs alone, so the name that agents ask
// for will do, whatever the address.
http::Tls trust_of(const std::filesystem::path& token_file, const std::filesystem::path& ca_file) {
  if (!ca_file.empty()) return {http::Trust::kGiven, read_file(ca_file), {}};
  const std::filesystem::path beside = token_file.parent_path() / defaults::kAuthorityFile;
  std::error_code ignored;
  if (!std::filesystem::exists(beside, ignored)) return {};
  return {http::Trust::kGiven, read_file(beside), defaults::kHubName};
}

http::Client client_of(const boost::asio::any_io_executor& loop, const std::string& url,
                       const std::filesystem::path& token_file, const std::filesystem::path& ca_file) {
  const http::Address address = http::Address::parse(url);
  return {loop, address, address.is_tls ? trust_of(token_file, ca_file) : http::Tls{}};
}

// What the hub itself cannot do now (a full disk, a node that does not reply, too many requests under way) is
// another thing than a hub that is away.
ErrorCode code_of(unsigned status, const std::string& code) {
  const bool is_for_now = status == 503 || (status == 429 && code == to_string(ErrorCode::kExhausted));
  return is_for_now ? ErrorCode::kExhausted : http::code_of_status(status);
}

}  // namespace

std::string read_token(const std::filesystem::path& file) {
  std::string text;
  try {
    text = read_file(file);
  } catch (const Error& error) {
    throw Error(ErrorCode::kDenied, "no API token: {} ({})", error.what(), kGiveToken);
  }
  text.erase(std::min(text.find_first_of("\r\n"), text.size()));
  // It goes into a header: what is no printable ASCII would end the line, and is no token of ours.
  const bool token =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!token)
    throw Error(ErrorCode::kDenied, "no API token: '{}' does not hold one ({})", file.string(), kGiveToken);
  return text;
}

HubClient::HubClient(const std::string& url, std::filesystem::path token_file,
                     const std::filesystem::path& ca_file)
    : url_(url),
      token_file_(std::move(token_file)),
      token_(read_token(token_file_)),
      client_(client_of(loop_.get_executor(), url, token_file_, ca_file)) {}

Json HubClient::get(const std::string& target, std::chrono::milliseconds timeout) {
  http::Request request;
  request.target = target;
  request.timeout = timeout;
  return ask(std::move(request));
}

Json HubClient::post(const std::string& target, const Json& body, std::chrono::milliseconds timeout) {
  return ask({.method = "POST", .target = target, .headers = {}, .body = body.dump(), .timeout = timeout});
}

Json HubClient::put(const std::string& target, const Json& body, std::chrono::milliseconds timeout) {
  return ask({.method = "PUT", .target = target, .headers = {}, .body = body.dump(), .timeout = timeout});
}

Json HubClient::remove(const std::string& target, std::chrono::milliseconds timeout) {
  return ask({.method = "DELETE", .target = target, .headers = {}, .body = {}, .timeout = timeout});
}

void HubClient::pause(std::chrono::milliseconds duration) {
  boost::asio::steady_timer timer(loop_, duration);
  timer.async_wait([](const boost::system::error_code&) {});
  loop_.restart();
  while (timer.expiry() > std::chrono::steady_clock::now() && loop_.run_one() > 0) continue;
}

Json HubClient::ask(http::Request request) {
  request.headers.emplace_back("Authorization", "Bearer " + token_);
  http::Response response;
  std::exception_ptr failure;
  bool done = false;
  boost::asio::co_spawn(loop_, client_.send(std::move(request)),
                        [&](std::exception_ptr thrown, http::Response answer) {
                          failure = thrown;
                          response = std::move(answer);
                          done = true;
                        });
  loop_.restart();
  while (!done && loop_.run_one() > 0) continue;
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kDenied) {
      throw Error(ErrorCode::kDenied, "hub at '{}' is not to be trusted: {} ({})", url_, error.what(),
                  kGiveCa);
    }
    if (error.code() != ErrorCode::kUnavailable) throw error.within("hub at '" + url_ + "'");
    throw Error(
        ErrorCode::kUnavailable,
        "hub at '{}' cannot be reached: {} (does it run? give its address with --hub URL or HIVEMIND_HUB)",
        url_, error.what());
  }
  return answer_of(response);
}

Json HubClient::answer_of(const http::Response& response) const {
  const Json body = Json::parse(response.body, nullptr, false);
  if (response.ok() && body.is_object()) return body;
  if (response.status == 401) {
    throw Error(ErrorCode::kDenied, "hub at '{}' refused the token of '{}' ({})", url_, token_file_.string(),
                kGiveToken);
  }
  const Json& error = part_of(body, "error");
  const std::string message = text_of(error, "message");
  if (response.ok() || message.empty()) {
    throw Error(ErrorCode::kCorrupt,
                "'{}' answers with status {}, but not as a HiveMind hub does (check --hub)", url_,
                response.status);
  }
  throw Error(code_of(response.status, text_of(error, "code")), message);
}

std::string waiting_line(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kUnavailable:
      return "waiting for the hub, which does not answer";
    case ErrorCode::kExhausted:
      return fmt::format("waiting for the hub: {}", error.what());
    default:
      throw error;
  }
}

}  // namespace hivemind::hub::cli

#include "hub/cli/hub_client.h"

#include <exception>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/error.h"
#include "common/file.h"

namespace hivemind::hub::cli {
namespace {

constexpr const char* kGiveToken =
    "it is 'admin.token' in the hub's data directory; give it with --token-file FILE or HIVEMIND_TOKEN_FILE";

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

HubClient::HubClient(const std::string& url, std::filesystem::path token_file)
    : url_(url),
      token_file_(std::move(token_file)),
      token_(read_token(token_file_)),
      client_(loop_.get_executor(), http::Address::parse(url)) {}

Json HubClient::get(const std::string& target, std::chrono::milliseconds timeout) {
  http::Request request;
  request.target = target;
  request.timeout = timeout;
  return ask(std::move(request));
}

Json HubClient::post(const std::string& target, const Json& body, std::chrono::milliseconds timeout) {
  http::Request request;
  request.method = "POST";
  request.target = target;
  request.body = body.dump();
  request.timeout = timeout;
  return ask(std::move(request));
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
  const std::string message = text_of(part_of(body, "error"), "message");
  if (response.ok() || message.empty()) {
    throw Error(ErrorCode::kCorrupt,
                "'{}' answers with status {}, but not as a HiveMind hub does (check --hub)", url_,
                response.status);
  }
  throw Error(http::code_of_status(response.status), message);
}

}  // namespace hivemind::hub::cli

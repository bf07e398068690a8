#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include <boost/asio/io_context.hpp>

#include "common/error.h"
#include "common/http/client.h"
#include "hub/cli/answer.h"

namespace hivemind::hub::cli {

// The first line of the token file. Throws kDenied, saying where it looked and how to give another file, when
// it is absent, not readable or holds no token.
std::string read_token(const std::filesystem::path& file);

// The hub's REST API, one question at a time. Thread: the caller's; each call runs the loop until the answer
// is there. Errors: kUnavailable (nothing answers), kExhausted (the hub cannot do it now: 503), kDenied (401,
// 403, or too many wrong tokens), kNotFound (404), kInvalid (400), kConflict (409), kCorrupt (what answers is
// no HiveMind hub), kInternal.
class HubClient {
 public:
  // ca_file: whose certificates may vouch for a hub at https://, and nobody else; empty: 'ca.pem' beside the
  // token (as in the hub's data directory), or else what the system trusts. Throws kInvalid for the URL, and
  // what read_file throws.
  HubClient(const std::string& url, std::filesystem::path token_file,
            const std::filesystem::path& ca_file = {});

  static constexpr std::chrono::seconds kTimeout{30};

  Json get(const std::string& target, std::chrono::milliseconds timeout = kTimeout);
  Json post(const std::string& target, const Json& body, std::chrono::milliseconds timeout);
  Json put(const std::string& target, const Json& body, std::chrono::milliseconds timeout);
  Json remove(const std::string& target, std::chrono::milliseconds timeout);

  // Lets time pass before a question is asked again.
  void pause(std::chrono::milliseconds duration);

  const std::string& url() const { return url_; }

 private:
  Json ask(http::Request request);
  Json answer_of(const http::Response& response) const;

  std::string url_;
  std::filesystem::path token_file_;
  std::string token_;
  boost::asio::io_context loop_;
  http::Client client_;
};

// For who asks again until there is an answer: what to say meanwhile. Throws an error that no waiting helps.
std::string waiting_line(const Error& error);

}  // namespace hivemind::hub::cli

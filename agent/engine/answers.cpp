#include "agent/engine/answers.h"

#include "agent/engine/decode.h"
#include "common/error.h"

namespace hivemind::agent {

namespace {

ErrorCode code_of(unsigned status, std::string_view words) {
  if (words.find("no space left") != std::string_view::npos) return ErrorCode::kExhausted;
  return http::code_of_status(status);
}

}  // namespace

void refuse(std::string_view what, const http::Response& response) {
  const std::string words = decode::refusal(response.body);
  const ErrorCode code =
      refuses_version(response) ? ErrorCode::kUnavailable : code_of(response.status, words);
  throw Error(code, "{}: {} (HTTP {})", what, words, response.status);
}

void require_ok(std::string_view what, const http::Response& response) {
  if (!response.ok()) refuse(what, response);
}

bool refuses_version(const http::Response& response) {
  return response.status == 400 && decode::refusal(response.body).find("client version") != std::string::npos;
}

}  // namespace hivemind::agent

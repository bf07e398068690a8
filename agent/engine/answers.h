#pragma once

#include <string_view>

#include "common/error.h"
#include "common/http/client.h"

namespace hivemind::agent {

// Throws the engine's refusal as our error, as engine.h says.
[[noreturn]] void refuse(std::string_view what, const http::Response& response);

// The same, unless the status is 2xx.
void require_ok(std::string_view what, const http::Response& response);

// What decode makes of the body, with the context in its errors.
template <typename Decode>
auto decoded(std::string_view what, Decode decode, const http::Response& response) {
  try {
    return decode(response.body);
  } catch (const Error& error) {
    throw error.within(what);
  }
}

// The engine has been replaced by one that does not speak the settled version any more.
bool refuses_version(const http::Response& response);

}  // namespace hivemind::agent

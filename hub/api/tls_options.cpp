#include "hub/api/tls_options.h"

#include "common/error.h"
#include "common/loopback.h"

namespace hivemind::hub::api {

bool is_loopback(std::string_view listen) {
  return hivemind::is_loopback(listen.substr(0, listen.rfind(':')));
}

TlsMode tls_mode_of(std::string_view text) {
  if (text == "auto") return TlsMode::kAuto;
  if (text == "on") return TlsMode::kOn;
  if (text == "off") return TlsMode::kOff;
  throw Error(ErrorCode::kInvalid, "'{}' is none of 'auto', 'on' and 'off'", text);
}

}  // namespace hivemind::hub::api

#include "common/mqtt/tls.h"

#include <string_view>

#include <unistd.h>

#include "common/error.h"

namespace hivemind::mqtt {
namespace {

constexpr std::string_view kPlain = "mqtt://";
constexpr std::string_view kOverTls = "mqtts://";

void require_readable(std::string_view what, const std::filesystem::path& file) {
  if (::access(file.c_str(), R_OK) != 0)
    throw Error(ErrorCode::kInvalid, "{} '{}' cannot be read", what, file.string());
}

}  // namespace

bool is_tls(const LinkOptions& options) {
  return options.url.starts_with(kOverTls);
}

std::string paho_uri(const std::string& url) {
  const bool tls = url.starts_with(kOverTls);
  const std::size_t scheme = (tls ? kOverTls : kPlain).size();
  if ((!tls && !url.starts_with(kPlain)) || url.find(':', scheme) == std::string::npos) {
    throw Error(ErrorCode::kInvalid,
                "broker URL '{}' is not of the form mqtt://HOST:PORT or mqtts://HOST:PORT", url);
  }
  return (tls ? "ssl://" : "tcp://") + url.substr(scheme);
}

void check_trust(const LinkOptions& options) {
  if (!is_tls(options)) {
    for (const auto& [what, file] :
         {std::pair("CA file", options.ca_file), std::pair("certificate file", options.client_file)}) {
      if (file.empty()) continue;
      throw Error(ErrorCode::kInvalid, "{} '{}' is given, but the broker URL '{}' is not mqtts://", what,
                  file.string(), options.url);
    }
    return;
  }
  if (options.ca_file.empty())
    throw Error(ErrorCode::kInvalid, "broker URL '{}' needs the CA file that vouches for it", options.url);
  require_readable("CA file", options.ca_file);
  if (!options.client_file.empty()) require_readable("certificate file", options.client_file);
}

::mqtt::ssl_options tls_options(const LinkOptions& options) {
  ::mqtt::ssl_options tls;
  tls.set_trust_store(options.ca_file.string());
  if (!options.client_file.empty())
    tls.set_key_store(options.client_file.string());  // Paho takes the key from it, too
  tls.set_ssl_version(MQTT_SSL_VERSION_DEFAULT);      // the newest that both know
  tls.set_enabled_cipher_suites(kCiphers);
  tls.set_enable_server_cert_auth(true);
  tls.set_verify(options.broker_name == BrokerName::kMustMatch);
  return tls;
}

}  // namespace hivemind::mqtt

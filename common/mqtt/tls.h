#pragma once

#include <string>

#include <mqtt/ssl_options.h>

#include "common/mqtt/link.h"

namespace hivemind::mqtt {

bool is_tls(const LinkOptions& options);

// As Paho calls it: the same schemes are "tcp" and "ssl" there. Throws kInvalid for what is no broker's URL.
std::string paho_uri(const std::string& url);

// Throws kInvalid for a link over TLS without the file that vouches for the broker (it could be to anybody),
// for files without TLS (their owner would think that it is safe), and for files that cannot be read.
void check_trust(const LinkOptions& options);

// The broker's certificate must be signed by the CA, be a server's, be in its time, and carry the host of the
// URL unless any name will do.
::mqtt::ssl_options tls_options(const LinkOptions& options);

// TLS 1.2's ciphers, as OpenSSL writes them. All have forward secrecy and authenticated encryption, and none
// is known to TLS 1.1 or older: that is how Paho, which cannot be told a lowest version, is kept from those.
inline constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

}  // namespace hivemind::mqtt

#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>

#include "common/error.h"
#include "common/http/client.h"
#include "common/http/stream.h"

// The client's side of TLS. For common/http alone.
namespace hivemind::http {

using TlsContext = boost::asio::ssl::context;

// TLS 1.2 or 1.3, and trust as the options say. Throws kInvalid for a PEM text without a certificate,
// kNotFound when the system has no store.
std::shared_ptr<TlsContext> make_context(const Tls& options);

// What was wrong with the other side's certificate.
struct Verdict {
  int error = 0;      // X509_V_ERR_…; 0: nothing
  std::string names;  // that it is made out to
};

// Before the handshake: whose certificate is wanted. The verdict outlives the stream. Throws kInvalid for a
// name that cannot be one.
void expect_server(Stream::Tls& stream, const Tls& options, const std::string& host, Verdict& verdict);

// Why a handshake failed. Nothing when TLS has no part in it.
struct TlsTrouble {
  ErrorCode code;
  std::string text;
};
std::optional<TlsTrouble> trouble_of(const boost::system::error_code& failure, const Verdict& verdict,
                                     const std::string& expected);

}  // namespace hivemind::http

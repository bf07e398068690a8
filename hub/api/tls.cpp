#include "hub/api/tls.h"

#include <optional>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "common/digest.h"
#include "common/error.h"

namespace hivemind::hub::api {
namespace {

using Context = boost::asio::ssl::context;

// Authenticated encryption with forward secrecy; TLS 1.3 has nothing else.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr std::string_view kAgentsAskFor = "hivemind-hub";

Context make(const std::string& pem, std::string_view whose) {
  Context context(Context::tls_server);
  SSL_CTX* const native = context.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(native, kCiphers);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  // A client that comes back shakes hands anew: nothing of it is kept.
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(native, 0);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  // Otherwise OpenSSL would ask the terminal for the password of a key that has one.
  context.set_password_callback([](std::size_t, Context::password_purpose) { return std::string(); });
  boost::system::error_code failure;
  context.use_certificate_chain(boost::asio::buffer(pem), failure);
  if (failure)
    throw Error(ErrorCode::kInvalid, "{} holds no certificate in PEM: {}", whose, failure.message());
  context.use_private_key(boost::asio::buffer(pem), Context::pem, failure);
  if (failure || SSL_CTX_check_private_key(native) != 1) {
    ERR_clear_error();
    throw Error(ErrorCode::kInvalid, "{} holds no private key that belongs to its certificate", whose);
  }
  return context;
}

std::string fingerprint_of(const ServerCertificates& certificates) {
  return sha256_hex(sha256_hex(certificates.authority) + sha256_hex(certificates.own));
}

}  // namespace

struct ServerTls::Contexts {
  explicit Contexts(const ServerCertificates& certificates)
      : authority(make(certificates.authority, "the certificate from the hub's CA")) {
    if (certificates.own.empty()) return;
    own.emplace(make(certificates.own, "the API's certificate"));
    SSL_CTX_set_tlsext_servername_arg(own->native_handle(), this);
    SSL_CTX_set_tlsext_servername_callback(own->native_handle(), &choose);
  }
  Contexts(const Contexts&) = delete;
  Contexts& operator=(const Contexts&) = delete;

  static int choose(SSL* connection, int*, void* contexts) {
    const char* name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    if (name != nullptr && name == kAgentsAskFor) {
      SSL_set_SSL_CTX(connection, static_cast<Contexts*>(contexts)->authority.native_handle());
    }
    return SSL_TLSEXT_ERR_OK;
  }

  Context authority;
  std::optional<Context> own;
};

ServerTls::ServerTls(ServerCertificates certificates)
    : fingerprint_(fingerprint_of(certificates)), contexts_(std::make_shared<Contexts>(certificates)) {}

bool ServerTls::replace(ServerCertificates certificates) {
  std::string fingerprint = fingerprint_of(certificates);
  if (fingerprint == fingerprint_) return false;
  contexts_ = std::make_shared<Contexts>(certificates);
  fingerprint_ = std::move(fingerprint);
  return true;
}

boost::asio::ssl::context& ServerTls::default_of(Contexts& contexts) {
  return contexts.own ? *contexts.own : contexts.authority;
}

}  // namespace hivemind::hub::api

#include "common/http/tls.h"

#include <chrono>
#include <optional>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "common/x509/openssl.h"

namespace hivemind::http {
namespace {

// Authenticated encryption with forward secrecy; TLS 1.3 has nothing else.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

using x509::Bio;
using Certificate = std::unique_ptr<::X509, x509::Freed<X509_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, x509::Freed<GENERAL_NAMES_free>>;

// Each certificate of the text becomes an anchor, an intermediate as well as a root.
void trust_only(SSL_CTX* context, const std::string& pem) {
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  const Bio bio = x509::reader(pem);
  int found = 0;
  for (;;) {
    const Certificate certificate(PEM_read_bio_X509_AUX(bio.get(), nullptr, x509::no_passphrase, nullptr));
    if (!certificate) break;
    if (X509_STORE_add_cert(store, certificate.get()) == 1) ++found;
  }
  ERR_clear_error();  // the end of the text is an error to OpenSSL
  if (found == 0)
    throw Error(ErrorCode::kInvalid, "what is to be trusted holds no certificate (expected PEM)");
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
}

bool is_address(const std::string& host) {
  boost::system::error_code failure;
  boost::asio::ip::make_address(host, failure);
  return !failure;
}

// What the certificate is made out to, as far as it helps to find the mistake.
std::string names_of(X509* certificate) {
  constexpr std::size_t kMost = 200;
  std::string text;
  const Names names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()) && text.size() < kMost; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    const std::string_view dns(bytes, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    const bool is_plain =
        dns.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-*_") ==
        std::string_view::npos;
    if (is_plain) text += fmt::format("{}'{}'", text.empty() ? "" : ", ", dns);
  }
  return text.empty() ? "none" : text;
}

TlsTrouble distrust(const Verdict& verdict, const std::string& expected) {
  switch (verdict.error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {ErrorCode::kDenied, "its certificate has expired (or the clock of this machine is wrong)"};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {ErrorCode::kDenied, "its certificate is not valid yet (or the clock of this machine is wrong)"};
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return {ErrorCode::kDenied,
              fmt::format("its certificate is not for '{}' (but for: {})", expected, verdict.names)};
    case X509_V_ERR_INVALID_PURPOSE:
      return {ErrorCode::kDenied, "its certificate is not one of a server"};
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return {ErrorCode::kDenied, "its certificate comes from an authority that is not trusted here"};
    default:
      return {ErrorCode::kDenied,
              fmt::format("its certificate is refused: {}", X509_verify_cert_error_string(verdict.error))};
  }
}

std::optional<TlsTrouble> told(int reason) {
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_HTTP_REQUEST:
      return TlsTrouble{ErrorCode::kCorrupt,
                        "it does not speak TLS (is it 'http://' instead of 'https://'?)"};
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return TlsTrouble{ErrorCode::kDenied, "it speaks neither TLS 1.2 nor TLS 1.3"};
    default:
      return std::nullopt;
  }
}

}  // namespace

std::shared_ptr<TlsContext> make_context(const Tls& options) {
  auto context = std::make_shared<TlsContext>(TlsContext::tls_client);
  SSL_CTX* const native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(native, kCiphers);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  if (options.trust == Trust::kGiven) trust_only(native, options.ca_pem);
  if (options.trust == Trust::kSystem) SSL_CTX_set_default_verify_paths(native);
  SSL_CTX_set_verify(native, options.trust == Trust::kNothing ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  return context;
}

void expect_server(Stream::Tls& stream, const Tls& options, const std::string& host, Verdict& verdict) {
  SSL* const connection = stream.native_handle();
  const std::string& name = options.name.empty() ? host : options.name;
  if (options.trust != Trust::kNothing) {
    stream.set_verify_callback([&verdict](bool is_good, boost::asio::ssl::verify_context& verification) {
      if (is_good) return true;
      verdict.error = X509_STORE_CTX_get_error(verification.native_handle());
      if (X509* certificate = X509_STORE_CTX_get_current_cert(verification.native_handle()))
        verdict.names = names_of(certificate);
      return false;
    });
  }
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(connection);
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (is_address(name)) {
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str()) == 1) return;
  } else if (SSL_set_tlsext_host_name(connection, name.c_str()) == 1 &&
             X509_VERIFY_PARAM_set1_host(wanted, name.c_str(), name.size()) == 1) {
    return;
  }
  throw Error(ErrorCode::kInvalid, "'{}' cannot be the name of a server", name);
}

std::optional<TlsTrouble> trouble_of(const boost::system::error_code& failure, const Verdict& verdict,
                                     const std::string& expected) {
  if (failure && verdict.error != X509_V_OK) return distrust(verdict, expected);
  if (failure.category() == boost::asio::error::get_ssl_category()) {
    if (auto known = told(ERR_GET_REASON(static_cast<unsigned long>(failure.value())))) return known;
    return TlsTrouble{ErrorCode::kUnavailable, "no TLS with it: " + failure.message()};
  }
  const bool broke_off = failure == boost::asio::error::eof ||
                         failure == boost::asio::ssl::error::stream_truncated ||
                         failure == boost::asio::error::connection_reset;
  if (!broke_off) return std::nullopt;
  return TlsTrouble{ErrorCode::kUnavailable, "it breaks off the TLS handshake (does it speak TLS there?)"};
}

}  // namespace hivemind::http

#include "common/mqtt/diagnosis.h"

#include <chrono>
#include <memory>
#include <utility>

#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/error.h"
#include "common/mqtt/tls.h"

namespace hivemind::mqtt {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::seconds kLongest{5};
constexpr std::chrono::seconds kListen{1};  // a broker that is content says nothing before CONNECT

struct Place {
  std::string host;  // without brackets
  std::string port;
};

Place place_of(const std::string& url) {
  const std::string address = url.substr(url.find("://") + 3);
  const std::size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {host, address.substr(colon + 1)};
}

// One handshake. What OpenSSL's callbacks find out is kept here, at an address that does not change.
class Handshake {
 public:
  Handshake(asio::any_io_executor loop, LinkOptions options)
      : loop_(loop),
        options_(std::move(options)),
        place_(place_of(options_.url)),
        context_(asio::ssl::context::tls_client) {}

  asio::awaitable<Diagnosis> run();

 private:
  bool load(error_code& error, Diagnosis& diagnosis);
  void prepare();
  bool verified(bool preverified, asio::ssl::verify_context& verification);
  asio::awaitable<error_code> listen();
  Diagnosis broker_is_wrong() const;
  Diagnosis judge(const error_code& error) const;

  asio::any_io_executor loop_;
  LinkOptions options_;
  Place place_;
  asio::ssl::context context_;
  std::unique_ptr<asio::ssl::stream<tcp::socket>> stream_;
  int verify_error_ = X509_V_OK;
  bool was_asked_ = false;
};

bool Handshake::load(error_code& error, Diagnosis& diagnosis) {
  context_.load_verify_file(options_.ca_file.string(), error);
  if (error) {
    diagnosis = {Trouble::kOther,
                 fmt::format("CA file '{}' holds no certificate", options_.ca_file.string())};
    return false;
  }
  if (options_.client_file.empty()) return true;
  const std::string file = options_.client_file.string();
  context_.use_certificate_chain_file(file, error);
  if (!error) context_.use_private_key_file(file, asio::ssl::context::pem, error);
  if (!error) return true;
  diagnosis = {Trouble::kOther,
               fmt::format("certificate file '{}' does not hold a certificate and its key: {}", file,
                           error.message())};
  return false;
}

// Called by OpenSSL when the broker asks for our certificate.
int note_asked(SSL*, void* was_asked) {
  *static_cast<bool*>(was_asked) = true;
  return 1;
}

void Handshake::prepare() {
  SSL_CTX_set_min_proto_version(context_.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context_.native_handle(), kCiphers);
  SSL_CTX_set_cert_cb(context_.native_handle(), &note_asked, &was_asked_);
  stream_ = std::make_unique<asio::ssl::stream<tcp::socket>>(loop_, context_);
  SSL_set_tlsext_host_name(stream_->native_handle(), place_.host.c_str());
  stream_->set_verify_mode(asio::ssl::verify_peer);
  stream_->set_verify_callback([this](bool preverified, asio::ssl::verify_context& verification) {
    return verified(preverified, verification);
  });
}

bool Handshake::verified(bool preverified, asio::ssl::verify_context& verification) {
  if (!preverified) {
    verify_error_ = X509_STORE_CTX_get_error(verification.native_handle());
    return false;
  }
  if (options_.broker_name == BrokerName::kAny) return true;
  if (asio::ssl::host_name_verification(place_.host)(preverified, verification)) return true;
  verify_error_ = X509_V_ERR_HOSTNAME_MISMATCH;
  return false;
}

Diagnosis Handshake::broker_is_wrong() const {
  switch (verify_error_) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {Trouble::kBrokerExpired,
              "the broker's certificate has expired (or the clock of this machine is wrong)"};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {Trouble::kBrokerNotYet,
              "the broker's certificate is not valid yet (or the clock of this machine is wrong)"};
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return {Trouble::kBrokerUntrusted,
              fmt::format("the broker's certificate is not for '{}'", place_.host)};
    case X509_V_ERR_INVALID_PURPOSE:
      return {Trouble::kBrokerUntrusted, "what answers as the broker has a certificate that is no server's"};
    default:
      return {Trouble::kBrokerUntrusted,
              fmt::format("the broker's certificate is not vouched for by '{}': {}",
                          options_.ca_file.string(), X509_verify_cert_error_string(verify_error_))};
  }
}

// What the broker's alert says; see RFC 8446, 6.2.
Diagnosis judge_alert(int reason, bool has_certificate) {
  if (!has_certificate &&
      (reason == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED || reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE)) {
    return {Trouble::kRefused, "the broker wants a certificate, and we have none"};
  }
  switch (reason) {
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return {Trouble::kExpired, "the broker refuses our certificate: it has expired"};
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
      return {Trouble::kRevoked, "the broker refuses our certificate: it was revoked"};
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return {Trouble::kRefused, "the broker refuses our certificate: it does not know the CA of it"};
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
      return {Trouble::kRefused, "the broker refuses our certificate: it is not one of a client"};
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
      return {Trouble::kRefused, "the broker refuses our certificate"};
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return {Trouble::kOther, "the broker speaks neither TLS 1.2 nor TLS 1.3"};
    case SSL_R_WRONG_VERSION_NUMBER:
      return {Trouble::kOther, "what answers at the broker's address does not speak TLS"};
    default:
      return {};
  }
}

Diagnosis unreachable(const error_code& error) {
  return {Trouble::kNone, "the broker cannot be reached: " + error.message()};
}

Diagnosis Handshake::judge(const error_code& error) const {
  if (verify_error_ != X509_V_OK) return broker_is_wrong();
  const bool has_certificate = !options_.client_file.empty();
  if (error.category() == asio::error::get_ssl_category()) {
    Diagnosis diagnosis =
        judge_alert(ERR_GET_REASON(static_cast<unsigned long>(error.value())), has_certificate);
    if (diagnosis.text.empty()) diagnosis = {Trouble::kOther, "no TLS with the broker: " + error.message()};
    return diagnosis;
  }
  if (!error && has_certificate && !was_asked_)
    return {Trouble::kNotAsked, "the broker asks for no certificate (require_certificate of Mosquitto)"};
  return {};
}

// Whether the broker has something to say against the handshake that just ended.
asio::awaitable<error_code> Handshake::listen() {
  using asio::experimental::awaitable_operators::operator||;
  asio::steady_timer timer(loop_, kListen);
  char byte = 0;
  error_code error;
  const auto first = co_await (
      stream_->async_read_some(asio::buffer(&byte, 1), asio::redirect_error(asio::use_awaitable, error)) ||
      timer.async_wait(asio::use_awaitable));
  co_return first.index() == 0 ? error : error_code();
}

asio::awaitable<Diagnosis> Handshake::run() {
  error_code error;
  Diagnosis diagnosis;
  if (!load(error, diagnosis)) co_return diagnosis;
  prepare();
  tcp::resolver resolver(loop_);
  const auto found = co_await resolver.async_resolve(place_.host, place_.port,
                                                     asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return unreachable(error);
  co_await asio::async_connect(stream_->lowest_layer(), found,
                               asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return unreachable(error);
  co_await stream_->async_handshake(asio::ssl::stream_base::client,
                                    asio::redirect_error(asio::use_awaitable, error));
  if (!error) co_return judge(co_await listen());
  diagnosis = judge(error);
  if (diagnosis.text.empty())
    diagnosis = {Trouble::kOther, "the broker breaks off the TLS handshake (does it speak TLS there?)"};
  co_return diagnosis;
}

asio::awaitable<Diagnosis> run_to_end(asio::any_io_executor loop, LinkOptions options) {
  try {
    Handshake handshake(loop, std::move(options));
    co_return co_await handshake.run();
  } catch (const std::exception&) {
    co_return Diagnosis{};  // what Paho said must do
  }
}

}  // namespace

asio::awaitable<Diagnosis> diagnose(asio::any_io_executor loop, LinkOptions options) {
  using asio::experimental::awaitable_operators::operator||;
  asio::steady_timer timer(loop, kLongest);
  auto first = co_await (run_to_end(loop, std::move(options)) || timer.async_wait(asio::use_awaitable));
  co_return first.index() == 0 ? std::get<0>(std::move(first)) : Diagnosis{};
}

}  // namespace hivemind::mqtt

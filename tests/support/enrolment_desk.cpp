#include "tests/support/enrolment_desk.h"

#include <algorithm>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include "common/digest.h"

namespace hivemind::tests {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using nlohmann::json;
using Stream = asio::ssl::stream<tcp::socket>;

x509::sys_seconds in(std::chrono::seconds time) {
  return std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()) + time;
}

std::string base64url(std::string text) {
  while (text.ends_with('=')) text.pop_back();
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

std::size_t content_length(const std::string& head) {
  std::string lower = head;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  const std::size_t at = lower.find("content-length:");
  return at == std::string::npos ? 0 : std::stoul(lower.substr(at + 15));
}

}  // namespace

class EnrolmentDesk::Server {
 public:
  explicit Server(const std::string& pem)
      : context(asio::ssl::context::tls_server),
        acceptor(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    context.use_certificate_chain(asio::buffer(pem));
    context.use_private_key(asio::buffer(pem), asio::ssl::context::pem);
  }

  asio::io_context loop;
  asio::ssl::context context;
  tcp::acceptor acceptor;
  bool is_over = false;
};

EnrolmentDesk::EnrolmentDesk()
    : ca_(x509::self_sign(ca_key_, {"test hub", x509::Purpose::kAuthority, {}, {}, x509::kNever})),
      ca_shown_(ca_.pem()),
      server_(std::make_unique<Server>(server_pem())) {
  port_ = server_->acceptor.local_endpoint().port();
  thread_ = std::thread([this] { serve(); });
}

EnrolmentDesk::~EnrolmentDesk() {
  {
    const std::lock_guard lock(mutex_);
    server_->is_over = true;
  }
  boost::system::error_code ignored;
  tcp::socket last(server_->loop);
  last.connect(tcp::endpoint(asio::ip::address_v4::loopback(), static_cast<unsigned short>(port_)), ignored);
  thread_.join();
}

std::string EnrolmentDesk::token(const std::string& secret) const {
  return "hm1." + base64url(to_base64(ca_.fingerprint_bytes())) + ".t1." + secret;
}

std::string EnrolmentDesk::server_pem() const {
  const x509::PrivateKey key = x509::PrivateKey::generate();
  const auto certificate = x509::issue(
      ca_, ca_key_, key.public_key(),
      {"hivemind-hub", x509::Purpose::kServer, {"hivemind-hub"}, {"127.0.0.1"}, in(std::chrono::hours(24))});
  return key.pem() + certificate.pem();
}

std::string EnrolmentDesk::node_pem(const x509::PrivateKey& key, const std::string& node,
                                    std::chrono::seconds life) const {
  return x509::issue(ca_, ca_key_, key.public_key(), {node, x509::Purpose::kClient, {}, {}, in(life)}).pem();
}

void EnrolmentDesk::answer_enrol(Answer answer) {
  const std::lock_guard lock(mutex_);
  on_enrol_ = std::move(answer);
}
void EnrolmentDesk::answer_renew(Answer answer) {
  const std::lock_guard lock(mutex_);
  on_renew_ = std::move(answer);
}
void EnrolmentDesk::set_broker(std::string url) {
  const std::lock_guard lock(mutex_);
  broker_ = std::move(url);
}
void EnrolmentDesk::set_life(std::chrono::seconds life) {
  const std::lock_guard lock(mutex_);
  life_ = life;
}
void EnrolmentDesk::set_ca_shown(std::string pem) {
  const std::lock_guard lock(mutex_);
  ca_shown_ = std::move(pem);
}
std::vector<json> EnrolmentDesk::enrolments() const {
  const std::lock_guard lock(mutex_);
  return enrolments_;
}
std::vector<json> EnrolmentDesk::renewals() const {
  const std::lock_guard lock(mutex_);
  return renewals_;
}

std::string EnrolmentDesk::chain_for(const std::string& csr, const std::string& node) const {
  const x509::Request request = x509::Request::parse(csr);
  return x509::issue(ca_, ca_key_, request.public_key(), {node, x509::Purpose::kClient, {}, {}, in(life_)})
      .pem();
}

EnrolmentDesk::Reply EnrolmentDesk::grant(const json& question, const std::string& node) const {
  return {200, json{{"node", node},
                    {"certificate", chain_for(question.at("csr"), node)},
                    {"ca", ca_.pem()},
                    {"broker", broker_},
                    {"signing_key", signing_key_.verify_key().text()}}
                   .dump()};
}

EnrolmentDesk::Reply EnrolmentDesk::renewed(const json& question) const {
  const x509::Certificate old = x509::Certificate::parse(question.at("certificate").get<std::string>());
  const std::string csr = question.at("csr");
  const std::string signed_text = std::string("hivemind/v1\0renew\0", 18) + csr;
  const bool is_good =
      old.is_issued_by(ca_) &&
      old.public_key().verify(signed_text, from_base64(question.at("signature").get<std::string>()));
  if (!is_good) return refusal(401, "the signature is not the old key's");
  return {200, json{{"certificate", chain_for(csr, old.common_name())}, {"ca", ca_.pem()}}.dump()};
}

EnrolmentDesk::Reply EnrolmentDesk::refusal(unsigned status, const std::string& text) {
  return {status, json{{"error", {{"code", "x"}, {"message", text}}}}.dump()};
}

EnrolmentDesk::Reply EnrolmentDesk::reply_to(const std::string& target, const std::string& body) {
  const std::lock_guard lock(mutex_);
  if (target == "/api/v1/ca")
    return {200, json{{"ca", ca_shown_}, {"fingerprint", ca_.fingerprint()}}.dump()};
  const json question = json::parse(body);
  if (target == "/api/v1/enroll") {
    enrolments_.push_back(question);
    return on_enrol_ ? on_enrol_(question) : grant(question);
  }
  if (target != "/api/v1/renew") return refusal(404, "no such path");
  renewals_.push_back(question);
  return on_renew_ ? on_renew_(question) : renewed(question);
}

// One exchange a connection, one connection after the other.
void EnrolmentDesk::serve() {
  for (;;) {
    Stream stream(server_->loop, server_->context);
    boost::system::error_code failure;
    server_->acceptor.accept(stream.next_layer(), failure);
    {
      const std::lock_guard lock(mutex_);
      if (server_->is_over) return;
    }
    if (!failure) stream.handshake(Stream::server, failure);
    asio::streambuf buffer;
    std::size_t size = failure ? 0 : asio::read_until(stream, buffer, "\r\n\r\n", failure);
    if (failure) continue;
    std::string text(asio::buffers_begin(buffer.data()), asio::buffers_end(buffer.data()));
    const std::size_t whole = size + content_length(text.substr(0, size));
    if (text.size() < whole) {
      std::string rest(whole - text.size(), '\0');
      asio::read(stream, asio::buffer(rest), failure);
      text += rest;
    }
    const std::size_t first = text.find(' ') + 1;
    const Reply reply = reply_to(text.substr(first, text.find(' ', first) - first), text.substr(size));
    if (reply.is_lost) continue;
    const std::string answer = fmt::format(
        "HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: "
        "close\r\n\r\n{}",
        reply.status, reply.body.size(), reply.body);
    asio::write(stream, asio::buffer(answer), failure);
    stream.shutdown(failure);
  }
}

}  // namespace hivemind::tests

#include "tests/integration/wire/raw_client.h"

#include <chrono>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

namespace hivemind::tests {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;
using namespace std::string_literals;

constexpr auto kLongest = 20s;
constexpr unsigned char kPublish = 0x30, kPingResponse = 0xd0, kConnack = 0x20;

std::string number(std::size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}
std::string text(const std::string& value) {
  return number(value.size()) + value;
}

std::string packet(unsigned char first, const std::string& body) {
  std::string all(1, static_cast<char>(first));
  std::size_t left = body.size();
  do {
    const auto seven = static_cast<unsigned char>(left % 128);
    left /= 128;
    all += static_cast<char>(left > 0 ? seven | 0x80 : seven);
  } while (left > 0);
  return all + body;
}

}  // namespace

struct RawClient::Tls {
  asio::io_context loop;
  asio::ssl::context context{asio::ssl::context::tls_client};
  std::unique_ptr<asio::ssl::stream<tcp::socket>> stream;

  // Runs one operation to its end. False when it fails or takes too long.
  template <typename Start>
  bool run(Start start) {
    std::optional<boost::system::error_code> outcome;
    start([&](const boost::system::error_code& error, auto&&...) { outcome = error; });
    loop.restart();
    loop.run_for(kLongest);
    if (outcome) return !*outcome;
    boost::system::error_code ignored;
    stream->lowest_layer().close(ignored);  // ends the operation, whose buffer goes
    loop.restart();
    loop.run_for(kLongest);
    return false;
  }
};

RawClient::RawClient(const Options& options) : tls_(std::make_unique<Tls>()), options_(options) {
  tls_->context.load_verify_file(options.ca_file.string());
  if (options.client_file.empty()) return;
  tls_->context.use_certificate_chain_file(options.client_file.string());
  tls_->context.use_private_key_file(options.client_file.string(), asio::ssl::context::pem);
}

RawClient::~RawClient() = default;
RawClient::RawClient(RawClient&&) noexcept = default;

bool RawClient::connect(const Session& session) {
  level_ = session.level;
  tls_->stream = std::make_unique<asio::ssl::stream<tcp::socket>>(tls_->loop, tls_->context);
  tls_->stream->set_verify_mode(asio::ssl::verify_peer);
  const tcp::endpoint endpoint(asio::ip::make_address("127.0.0.1"),
                               static_cast<asio::ip::port_type>(options_.port));
  if (!tls_->run([&](auto done) { tls_->stream->lowest_layer().async_connect(endpoint, done); }))
    return false;
  if (!tls_->run([&](auto done) { tls_->stream->async_handshake(asio::ssl::stream_base::client, done); }))
    return false;
  int flags = session.clean ? 0x02 : 0;
  std::string properties = level_ == 5 ? "\0"s : "";
  std::string payload = text(session.client_id);
  if (!session.will_topic.empty()) {
    flags |= 0x04 | 0x08 | 0x20;  // will, QoS 1, retained
    payload += properties + text(session.will_topic) + text("forged by a will");
  }
  if (!session.user.empty()) {
    flags |= 0x80 | 0x40;
    payload += text(session.user) + text("password");
  }
  const std::string head =
      text("MQTT") + static_cast<char>(level_) + static_cast<char>(flags) + number(600) + properties;
  if (!send(packet(0x10, head + payload))) return false;
  const auto type = read_packet();
  return type && (*type & 0xf0) == kConnack && body_.size() >= 2 && body_[1] == 0;
}

void RawClient::subscribe(const std::vector<std::string>& filters) {
  std::string body = number(next_id_++) + (level_ == 5 ? "\0"s : "");
  for (const std::string& filter : filters) body += text(filter) + '\1';
  send(packet(0x82, body));
}

void RawClient::publish(const std::string& topic, const std::string& payload, bool retained, int qos) {
  const int first = kPublish | (qos << 1) | (retained ? 1 : 0);
  const std::string id = qos > 0 ? number(next_id_++) : "";
  send(packet(static_cast<unsigned char>(first), text(topic) + id + (level_ == 5 ? "\0"s : "") + payload));
}

bool RawClient::ping() {
  if (!send("\xc0\0"s)) return false;
  while (const auto type = read_packet())
    if ((*type & 0xf0) == kPingResponse) return true;
  return false;
}

void RawClient::drop() {
  boost::system::error_code ignored;
  if (tls_->stream) tls_->stream->lowest_layer().close(ignored);
}

bool RawClient::send(const std::string& bytes) {
  return tls_->run([&](auto done) { asio::async_write(*tls_->stream, asio::buffer(bytes), done); });
}

bool RawClient::read(char* to, std::size_t size) {
  return tls_->run([&](auto done) { asio::async_read(*tls_->stream, asio::buffer(to, size), done); });
}

// The first byte of the next packet, whose rest is in body_. Messages are kept, and acknowledged.
std::optional<unsigned char> RawClient::read_packet() {
  unsigned char type = 0;
  if (!read(reinterpret_cast<char*>(&type), 1)) return std::nullopt;
  std::size_t size = 0;
  unsigned char digit = 0;
  for (int shift = 0; shift == 0 || (digit & 0x80) != 0; shift += 7) {
    if (!read(reinterpret_cast<char*>(&digit), 1)) return std::nullopt;
    size |= static_cast<std::size_t>(digit & 0x7f) << shift;
  }
  body_.assign(size, '\0');
  if (size > 0 && !read(body_.data(), size)) return std::nullopt;
  if ((type & 0xf0) != kPublish) return type;
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(body_.at(i)); };
  const std::size_t topic = at(0) * 256u + at(1);
  std::size_t payload = 2 + topic;
  if ((type & 0x06) != 0) {
    send(packet(0x40, body_.substr(payload, 2)));
    payload += 2;
  }
  if (level_ == 5) payload += 1u + at(payload);
  messages_.push_back({body_.substr(2, topic), body_.substr(payload)});
  return type;
}

}  // namespace hivemind::tests

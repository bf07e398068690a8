#include "hub/broker/configuration.h"

#include <charconv>

#include "common/error.h"
#include "common/loopback.h"
#include "hub/trust/authority.h"

namespace hivemind::hub {
namespace {

constexpr const char* kRoot = "hivemind/v1";  // of all topics, as common/topics.h writes them

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw Error(ErrorCode::kInvalid, "broker address '{}' {} (expected HOST:PORT, such as 127.0.0.1:1883)",
              text, why);
}

bool plain_host(std::string_view host) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_%";
  return !host.empty() && host.find_first_not_of(kAllowed) == std::string_view::npos;
}

}  // namespace

ListenAddress ListenAddress::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) refuse(text, "names no port");
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!plain_host(host) || (host.find(':') != std::string_view::npos && !bracketed))
    refuse(text, "names no host");
  ListenAddress address;
  address.host = host;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, address.port);
  if (error != std::errc() || stop != end || address.port == 0)
    refuse(text, "has a port that is not between 1 and 65535");
  return address;
}

bool ListenAddress::loopback() const {
  return is_loopback(host);
}

std::string ListenAddress::client_host() const {
  if (host == "0.0.0.0") return "127.0.0.1";
  if (host == "::") return "[::1]";
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

const char* database_name(WithTls tls) {
  return tls == WithTls::kYes ? "mosquitto-tls.db" : "mosquitto.db";
}

std::string broker_url(const ListenAddress& listen, WithTls tls) {
  return fmt::format("{}://{}:{}", tls == WithTls::kYes ? "mqtts" : "mqtt", listen.client_host(),
                     listen.port);
}

std::string tls_configuration(const BrokerTlsFiles& files) {
  return fmt::format(
      "allow_anonymous false\n"
      "cafile {}\n"
      "certfile {}\n"
      "keyfile {}\n"
      "crlfile {}\n"
      // And above. Of TLS 1.2 only what has forward secrecy and authenticated encryption.
      "tls_version tlsv1.2\n"
      "ciphers ECDHE+AESGCM:ECDHE+CHACHA20\n"
      "require_certificate true\n"
      "use_identity_as_username true\n"
      "use_username_as_clientid true\n"
      "acl_file {}\n",
      files.ca.string(), files.server.string(), files.server.string(), files.revocations.string(),
      files.acl.string());
}

std::string limits_configuration() {
  return "max_connections -1\n"
         "max_keepalive 65535\n"
         "set_tcp_nodelay true\n"
         // Nothing may be dropped: a node can be away for months. 0 is no limit, of messages and of bytes.
         "max_queued_messages 0\n"
         "max_queued_bytes 0\n"
         // Unlike those, what is above this limit only waits; 65,535 packet ids are all there are.
         "max_inflight_messages 1000\n"
         "max_inflight_bytes 0\n"
         // Above any manifest; whoever sends more is disconnected.
         "max_packet_size 67108864\n"
         "persistence true\n";
}

std::string external_configuration(const ListenAddress& listen, const BrokerTlsFiles& files) {
  return "# A broker for HiveMind; see 'hivemind broker config'. Include it from mosquitto.conf, and have "
         "it\n"
         "# read again after a change of these files: kill -HUP $(pidof mosquitto)\n"
         "per_listener_settings false\n" +
         fmt::format("listener {} {}\n", listen.port, listen.host) + tls_configuration(files) +
         limits_configuration();
}

std::string access_control() {
  std::string text = fmt::format("user {}\ntopic readwrite {}/#\n\n", kHubClientName, kRoot);
  // %u is the name in the certificate.
  for (const char* kind : {"manifest", "command", "acks"})
    text += fmt::format("pattern read {}/nodes/%u/{}\n", kRoot, kind);
  text += fmt::format("pattern read {}/blobs/+\n", kRoot);
  for (const char* kind : {"presence", "report", "events", "replies/+"})
    text += fmt::format("pattern write {}/nodes/%u/{}\n", kRoot, kind);
  return text;
}

std::string broker_configuration(const ListenAddress& listen, const BrokerOptions& options,
                                 std::string_view user) {
  std::string text = "# Written by hivemind-hub: what is changed here is written over at the next start.\n";
  if (!user.empty()) text += fmt::format("user {}\n", user);
  text += fmt::format("listener {} {}\n", listen.port, listen.host);
  if (options.tls) {
    text += tls_configuration(*options.tls);
  } else {
    // Nobody is let in without an account from other machines unless that was asked for; Broker refuses such
    // an address.
    const bool open = listen.loopback() || options.access == BrokerOptions::Access::kAnyone;
    text += fmt::format("allow_anonymous {}\n", open ? "true" : "false");
  }
  text += limits_configuration();
  text += fmt::format("persistence_location {}/\npersistence_file {}\n", options.directory.string(),
                      database_name(options.tls ? WithTls::kYes : WithTls::kNo));
  text +=
      // The whole database is written each time, so not at every change; Broker::save() asks for it when it
      // matters.
      "autosave_interval 300\n"
      "autosave_on_changes false\n"
      "log_dest stderr\n"
      "log_type error\n"
      "log_type warning\n"
      "log_type notice\n"
      "log_type information\n"
      "log_timestamp false\n"
      "connection_messages false\n";
  return text;
}

}  // namespace hivemind::hub

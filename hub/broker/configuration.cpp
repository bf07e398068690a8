#include "hub/broker/configuration.h"

#include <charconv>

#include "common/error.h"

namespace hivemind::hub {
namespace {

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
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::string ListenAddress::client_host() const {
  if (host == "0.0.0.0") return "127.0.0.1";
  if (host == "::") return "[::1]";
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

std::string broker_configuration(const ListenAddress& listen, const BrokerOptions& options,
                                 std::string_view user) {
  std::string text = "# Written by hivemind-hub at every start.\n";
  if (!user.empty()) text += fmt::format("user {}\n", user);
  text += fmt::format("listener {} {}\n", listen.port, listen.host);
  // Nobody is let in without an account from other machines unless that was asked for; Broker refuses such an
  // address.
  const bool open = listen.loopback() || options.access == BrokerOptions::Access::kAnyone;
  text += fmt::format("allow_anonymous {}\n", open ? "true" : "false");
  text +=
      "max_connections -1\n"
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
  text += fmt::format("persistence_location {}/\n", options.directory.string());
  text +=
      "persistence_file mosquitto.db\n"
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

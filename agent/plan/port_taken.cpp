#include "agent/plan/port_taken.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace hivemind::agent {
namespace {

// What stands before the port's address, the most telling first:
//   Bind for 0.0.0.0:80 failed: port is already allocated
//   listen tcp4 0.0.0.0:80: bind: address already in use
//   failed to bind host port for 0.0.0.0:80:172.17.0.2:80/tcp: address already in use   (28)
//   failed to bind host port 0.0.0.0:80/tcp: address already in use                     (28.1 and later)
//   exposing port TCP 0.0.0.0:80 -> …                                                   (Docker Desktop)
constexpr std::array<std::string_view, 11> kBefore{
    "Bind for ",
    "failed to bind host port for ",
    "failed to bind host port ",
    "listen tcp4 ",
    "listen tcp6 ",
    "listen tcp ",
    "listen udp4 ",
    "listen udp6 ",
    "listen udp ",
    "exposing port TCP ",
    "exposing port UDP ",
};

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// A fixed address of a network that is in use is told by the same words, but without a port.
bool says_taken(std::string_view words) {
  return holds(words, "port is already allocated") || holds(words, "address already in use");
}

std::string protocol_of(std::string_view before, std::string_view rest) {
  for (const std::string_view name : {"tcp", "udp", "sctp"}) {
    const std::string upper = name == "tcp" ? "TCP" : "UDP";
    if (holds(before, name) || holds(before, upper)) return std::string(name);
    if (rest.starts_with(fmt::format("/{}", name))) return std::string(name);
  }
  return {};
}

// "0.0.0.0:80…", "[::]:80…", ":::80…" or ":80…"
std::optional<TakenPort> port_at(std::string_view before, std::string_view text) {
  const std::size_t closed = text.starts_with('[') ? text.find(']') : 0;
  if (closed == std::string_view::npos) return std::nullopt;
  std::size_t colon = text.find(':', closed);
  if (text.starts_with(":::")) colon = 2;
  if (colon == std::string_view::npos) return std::nullopt;
  TakenPort taken;
  taken.address = std::string(text.substr(0, colon));
  const char* end = text.data() + text.size();
  const auto number = std::from_chars(text.data() + colon + 1, end, taken.port);
  if (number.ec != std::errc() || taken.port == 0) return std::nullopt;
  std::string_view rest = text.substr(static_cast<std::size_t>(number.ptr - text.data()));
  // The container's side, which ends with the protocol.
  if (rest.starts_with(':') && rest.find('/') < rest.find(' ')) rest.remove_prefix(rest.find('/'));
  taken.protocol = protocol_of(before, rest);
  return taken;
}

bool is_any(const std::string& address) {
  return address.empty() || address == "0.0.0.0" || address == "::" || address == "[::]";
}

bool is_holder(const PublishedPort& published, const TakenPort& taken) {
  const bool same_address =
      is_any(published.address) || is_any(taken.address) || published.address == taken.address;
  const bool same_protocol =
      taken.protocol.empty() || published.protocol.empty() || taken.protocol == published.protocol;
  return published.port == taken.port && same_address && same_protocol;
}

}  // namespace

std::optional<TakenPort> taken_port(std::string_view words) {
  if (!says_taken(words)) return std::nullopt;
  for (const std::string_view before : kBefore) {
    const std::size_t at = words.find(before);
    if (at == std::string_view::npos) continue;
    if (auto taken = port_at(before, words.substr(at + before.size()))) return taken;
  }
  return std::nullopt;
}

std::string port_taken_text(const TakenPort& taken, std::string_view service,
                            const std::vector<PublishedPort>& published) {
  const std::string address = is_any(taken.address) ? "" : " of " + taken.address;
  const std::string protocol = taken.protocol.empty() ? "" : "/" + taken.protocol;
  const auto holder =
      std::ranges::find_if(published, [&](const PublishedPort& port) { return is_holder(port, taken); });
  const std::string who = holder == published.end()
                              ? "something that is no container with published ports, such as a process "
                                "outside Docker"
                              : fmt::format("container '{}'", holder->container);
  return fmt::format("port {}{}{}, which service '{}' publishes, is taken by {}", taken.port, protocol,
                     address, service, who);
}

}  // namespace hivemind::agent

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Why a container did not start: something else on the node has its port. Pure.
namespace hivemind::agent {

struct TakenPort {
  std::string address;  // as the engine wrote it; empty: not said
  std::uint16_t port = 0;
  std::string protocol;  // "tcp", "udp", "sctp"; empty: not said
};

// A port of the node that a container holds.
struct PublishedPort {
  std::string container;  // its name
  std::string address;
  std::uint16_t port = 0;
  std::string protocol;
};

// The port that the engine's refusal to start a container is about; nothing when it is about something else.
// Knows the words of Docker (20.10 to 28) and Podman.
std::optional<TakenPort> taken_port(std::string_view words);

// "port 8080/tcp, which service 'app' publishes, is taken by container 'x'". published: what the engine's
// containers hold now.
std::string port_taken_text(const TakenPort& taken, std::string_view service,
                            const std::vector<PublishedPort>& published);

}  // namespace hivemind::agent

#pragma once

#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/mqtt/link.h"

namespace hivemind::mqtt {

struct Diagnosis {
  Trouble trouble = Trouble::kNone;
  std::string text;  // "": nothing was found
};

// Makes a TLS handshake as a link with these options would, listens for a moment whether the broker has
// something against our certificate (with TLS 1.3 it says so only after the handshake), and hangs up. Takes
// at most 5 s, or as long as the system's resolver, which cannot be called off; throws nothing.
boost::asio::awaitable<Diagnosis> diagnose(boost::asio::any_io_executor loop, LinkOptions options);

}  // namespace hivemind::mqtt

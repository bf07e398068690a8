#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "agent/identity/directory.h"
#include "agent/identity/messages.h"
#include "agent/identity/token.h"

namespace hivemind::agent {

struct EnrolmentWish {
  std::string hub;  // https://HOST[:PORT]
  EnrolmentToken token;
  std::string node;  // empty: as the hub says
  MachineFacts facts;
  std::chrono::milliseconds patience{};  // how long to wait for an operator's approval
};

// Asks the hub to make this node one of its fleet: fetches the CA and holds it against the token, has keys
// made, shows the token and the request for a certificate, and waits where somebody has to approve. What it
// returns is checked, and not on the disk yet; nothing: nobody has approved in time. `tell` gets a line for
// people now and then.
//
// Throws kUnavailable when the hub cannot be reached, kDenied when somebody else answers in its place or the
// token is refused, kConflict when the id is taken, kCorrupt when the hub answers with something that does
// not fit.
boost::asio::awaitable<std::optional<NewIdentity>> enrol(boost::asio::any_io_executor loop,
                                                         IdentityDirectory directory, EnrolmentWish wish,
                                                         std::function<void(const std::string&)> tell);

}  // namespace hivemind::agent

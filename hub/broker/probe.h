#pragma once

#include <chrono>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "hub/broker/configuration.h"

namespace hivemind::hub {

// Throws kConflict when another process listens on the address, kDenied when we may not, kInvalid when this
// machine does not have it. A name instead of an address is left to Mosquitto to judge.
void require_free(boost::asio::any_io_executor loop, const ListenAddress& listen);

// Whether something takes connections there now, within the time.
boost::asio::awaitable<bool> accepts(boost::asio::any_io_executor loop, ListenAddress listen,
                                     std::chrono::milliseconds longest);

// Whether an MQTT broker answers there now: connects and exchanges CONNECT and CONNACK, within the time.
boost::asio::awaitable<bool> answers_mqtt(boost::asio::any_io_executor loop, ListenAddress listen,
                                          std::chrono::milliseconds longest);

}  // namespace hivemind::hub

#pragma once

#include <filesystem>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace hivemind::hub {

// Ends the broker that an earlier hub has left running, if there is one: the process that the pid file names,
// and only when it is a Mosquitto that runs with this very configuration file. Asks first, and kills what has
// not ended after 5 s.
boost::asio::awaitable<void> end_leftover(boost::asio::any_io_executor loop, std::filesystem::path pid_file,
                                          std::filesystem::path configuration);

}  // namespace hivemind::hub

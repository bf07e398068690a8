#pragma once

#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace hivemind::agent {

// Runs all at once and returns when the last has ended. The first failure cancels the others and is thrown,
// after they have ended: what they refer to may be a local of the caller.
boost::asio::awaitable<void> together(boost::asio::any_io_executor loop,
                                      std::vector<boost::asio::awaitable<void>> tasks);

}  // namespace hivemind::agent

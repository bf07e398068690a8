#include "agent/engine/together.h"

#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace hivemind::agent {

namespace asio = boost::asio;

asio::awaitable<void> together(asio::any_io_executor loop, std::vector<asio::awaitable<void>> tasks) {
  if (tasks.empty()) co_return;
  using Task = decltype(asio::co_spawn(loop, std::move(tasks.front()), asio::deferred));
  std::vector<Task> started;
  started.reserve(tasks.size());
  for (auto& task : tasks) {
    started.push_back(asio::co_spawn(loop, std::move(task), asio::deferred));
  }
  auto group = asio::experimental::make_parallel_group(std::move(started));
  const auto [order, failures] =
      co_await group.async_wait(asio::experimental::wait_for_one_error(), asio::use_awaitable);
  for (const std::size_t index : order) {
    if (failures[index]) std::rethrow_exception(failures[index]);
  }
}

}  // namespace hivemind::agent

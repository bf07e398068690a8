#include "tests/support/fake_engine.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

namespace hivemind::tests {

namespace asio = boost::asio;

asio::awaitable<void> FakeEngine::turn() {
  co_await asio::post(loop_, asio::use_awaitable);
  if (down_) throw Error(ErrorCode::kUnavailable, "the engine is down");
}

asio::awaitable<void> FakeEngine::wait_while_held(std::string what) {
  if (!held_.contains(what)) co_return;
  auto gate = std::make_shared<asio::steady_timer>(loop_, asio::steady_timer::time_point::max());
  gates_.push_back(gate);
  co_await gate->async_wait(asio::as_tuple(asio::use_awaitable));
}

asio::awaitable<void> FakeEngine::write(std::string what) {
  co_await turn();
  const int number = static_cast<int>(writes.size()) + 1;
  if (frozen_ || (frozen_at_ && number >= *frozen_at_)) {
    frozen_ = true;
    auto never = std::make_shared<asio::steady_timer>(loop_, asio::steady_timer::time_point::max());
    gates_.push_back(never);
    co_await never->async_wait(asio::as_tuple(asio::use_awaitable));
    throw Error(ErrorCode::kUnavailable, "the caller is gone");
  }
  writes.push_back(what);
  const auto failure = failures_.find(number);
  if (failure != failures_.end()) throw failure->second;
  for (const auto& [prefix, error] : refusals_) {
    if (what.starts_with(prefix)) throw error;
  }
}

void FakeEngine::thaw() {
  frozen_ = false;
  frozen_at_.reset();
}

void FakeEngine::go_down() {
  down_ = true;
  if (watching_) watching_->cancel();
}

void FakeEngine::release() {
  held_.clear();
  for (const Gate& gate : gates_) gate->cancel();
  gates_.clear();
}

void FakeEngine::send_events() {
  for (const agent::EngineEvent& event : model.take_events()) {
    if (on_event_) asio::post(loop_, [on_event = on_event_, event] { on_event(event); });
  }
}

std::string FakeEngine::name_of(const std::string& id) const {
  const agent::Observed observed = model.observe();
  for (const agent::Container& container : observed.containers) {
    if (container.id == id) return container.name;
  }
  for (const agent::Container& job : observed.jobs) {
    if (job.id == id) return job.name;
  }
  return id;
}

asio::awaitable<agent::EngineInfo> FakeEngine::negotiate() {
  co_await turn();
  co_return info;
}

asio::awaitable<agent::Observed> FakeEngine::observe() {
  co_await turn();
  ++observations;
  co_return model.observe();
}

asio::awaitable<std::vector<agent::PublishedPort>> FakeEngine::published_ports() {
  co_await turn();
  co_return ports;
}

asio::awaitable<std::optional<std::string>> FakeEngine::inspect_container(std::string id) {
  co_await turn();
  co_return model.inspect_container(id);
}

asio::awaitable<std::optional<std::string>> FakeEngine::inspect_network(std::string name) {
  co_await turn();
  co_return model.inspect_network(name);
}

asio::awaitable<std::optional<std::string>> FakeEngine::inspect_volume(std::string name) {
  co_await turn();
  co_return model.inspect_volume(name);
}

asio::awaitable<std::vector<std::string>> FakeEngine::containers_with(std::string label) {
  co_await turn();
  co_return model.containers_with(label);
}

asio::awaitable<std::optional<std::string>> FakeEngine::image_id(std::string reference) {
  co_await turn();
  co_return model.image_id(reference);
}

asio::awaitable<void> FakeEngine::pull(agent::PullRequest request,
                                       std::function<void(agent::PullProgress)> on_progress) {
  const std::string reference = request.reference;
  co_await write("pull " + reference);
  pulls.push_back(request);
  if (const auto told = progress.find(reference); told != progress.end() && on_progress) {
    for (const agent::PullProgress& one : told->second) on_progress(one);
  }
  co_await wait_while_held(reference);
  const auto failure = pull_failures_.find(reference);
  if (failure != pull_failures_.end()) throw failure->second;
  model.add_image(reference);
}

asio::awaitable<std::vector<agent::EngineImage>> FakeEngine::images() {
  co_await turn();
  co_return model.images();
}

asio::awaitable<std::set<std::string>> FakeEngine::images_in_use() {
  co_await turn();
  co_return model.images_in_use();
}

asio::awaitable<void> FakeEngine::remove_image(std::string reference_or_id) {
  co_await write("remove image " + reference_or_id);
  model.delete_image(reference_or_id);
}

asio::awaitable<agent::Created> FakeEngine::create_container(std::string name, std::string,
                                                             std::string body) {
  co_await write("create " + name);
  agent::Created created;
  created.id = model.create_container(name, body);
  send_events();
  co_return created;
}

asio::awaitable<void> FakeEngine::start_container(std::string id) {
  co_await write("start " + name_of(id));
  model.start_container(id);
  send_events();
}

asio::awaitable<void> FakeEngine::stop_container(std::string id, std::optional<std::chrono::seconds>) {
  co_await write("stop " + name_of(id));
  co_await wait_while_held("stop " + name_of(id));
  model.stop_container(id);
  send_events();
}

asio::awaitable<void> FakeEngine::set_restart_policy(std::string id, std::string policy) {
  co_await write("policy " + name_of(id) + " " + policy);
  model.set_restart_policy(id, policy);
}

asio::awaitable<std::string> FakeEngine::container_log(std::string id, int) {
  co_await turn();
  co_return model.container_log(id);
}

asio::awaitable<void> FakeEngine::unpause_container(std::string id) {
  co_await write("unpause " + name_of(id));
  model.unpause_container(id);
  send_events();
}

asio::awaitable<void> FakeEngine::rename_container(std::string id, std::string name) {
  co_await write("rename " + name_of(id) + " " + name);
  model.rename_container(id, name);
  send_events();
}

asio::awaitable<void> FakeEngine::remove_container(std::string id, bool force) {
  co_await write("remove " + name_of(id));
  model.remove_container(id, force);
  send_events();
}

asio::awaitable<void> FakeEngine::connect_network(std::string network, std::string container, std::string) {
  co_await write("connect " + name_of(container) + " " + network);
  model.connect_network(network, container);
}

asio::awaitable<void> FakeEngine::disconnect_network(std::string network, std::string container) {
  co_await write("disconnect " + name_of(container) + " " + network);
  model.disconnect_network(network, container);
}

asio::awaitable<std::vector<agent::NetworkUser>> FakeEngine::network_users(std::string id) {
  co_await turn();
  co_return model.network_users(id);
}

asio::awaitable<agent::Executed> FakeEngine::exec(std::string container, agent::Hook command,
                                                  std::chrono::milliseconds) {
  co_await write("exec " + name_of(container) + " " + command.command.front());
  agent::Executed executed;
  executed.exit_code = model.exec(container, command.command);
  if (executed.exit_code != 0) executed.output = "it went wrong";
  co_return executed;
}

asio::awaitable<bool> FakeEngine::network_exists(std::string name) {
  co_await turn();
  co_return model.network_exists(name);
}

asio::awaitable<agent::Created> FakeEngine::create_network(std::string body) {
  co_await write("create network " + nlohmann::json::parse(body).value("Name", ""));
  agent::Created created;
  created.id = model.create_network(body);
  co_return created;
}

asio::awaitable<void> FakeEngine::remove_network(std::string id) {
  co_await write("remove network " + id);
  model.remove_network(id);
}

asio::awaitable<bool> FakeEngine::volume_exists(std::string name) {
  co_await turn();
  co_return model.volume_exists(name);
}

asio::awaitable<agent::EngineVolume> FakeEngine::create_volume(std::string body) {
  co_await write("create volume " + nlohmann::json::parse(body).value("Name", ""));
  co_return model.create_volume(body);
}

asio::awaitable<void> FakeEngine::remove_volume(std::string name) {
  co_await write("remove volume " + name);
  model.remove_volume(name);
}

asio::awaitable<void> FakeEngine::watch(std::function<void()> on_open,
                                        std::function<void(agent::EngineEvent)> on_event) {
  co_await turn();
  on_event_ = on_event;
  on_open();
  watching_ = std::make_shared<asio::steady_timer>(loop_, asio::steady_timer::time_point::max());
  const auto watching = watching_;
  co_await watching->async_wait(asio::as_tuple(asio::use_awaitable));
  on_event_ = nullptr;
  throw Error(ErrorCode::kUnavailable, "the event stream has ended");
}

}  // namespace hivemind::tests

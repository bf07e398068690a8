#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "agent/engine/engine.h"
#include "common/error.h"
#include "common/http/client.h"
#include "common/redact.h"

namespace hivemind::agent {

// Where the engine listens: DOCKER_HOST ("unix:///PATH" or "tcp://HOST:PORT"), or Docker's own socket.
// Throws kInvalid for an address of another kind.
http::Address engine_address_from_environment();

// The Engine API 1.41 and later of Docker, or Podman's compatible one. Sees nothing but what carries the
// label of its node.
//
// watch() leaves out what cannot change an observation (the exec events of every health probe, for one), and
// tells events of those networks only that observe() or create_network() has met: their events carry no
// labels.
class DockerEngine : public Engine {
 public:
  DockerEngine(boost::asio::any_io_executor loop, http::Address address, std::string node);

  // What containers and the engine say is handed on without what the redactor knows, from now on.
  void redact_with(std::shared_ptr<const Redactor> redactor) { redactor_ = std::move(redactor); }

  boost::asio::awaitable<EngineInfo> negotiate() override;
  boost::asio::awaitable<Observed> observe() override;
  void set_adopted(Adopted adopted) override { adopted_ = std::move(adopted); }
  boost::asio::awaitable<std::optional<std::string>> inspect_container(std::string id) override;
  boost::asio::awaitable<std::optional<std::string>> inspect_network(std::string name) override;
  boost::asio::awaitable<std::optional<std::string>> inspect_volume(std::string name) override;
  boost::asio::awaitable<std::vector<std::string>> containers_with(std::string label) override;

  boost::asio::awaitable<std::vector<PublishedPort>> published_ports() override;

  boost::asio::awaitable<std::optional<std::string>> image_id(std::string reference) override;
  boost::asio::awaitable<void> pull(PullRequest request,
                                    std::function<void(PullProgress)> on_progress) override;
  boost::asio::awaitable<std::vector<EngineImage>> images() override;
  boost::asio::awaitable<std::set<std::string>> images_in_use() override;
  boost::asio::awaitable<void> remove_image(std::string reference_or_id) override;

  boost::asio::awaitable<Created> create_container(std::string name, std::string platform,
                                                   std::string body) override;
  boost::asio::awaitable<void> start_container(std::string id) override;
  boost::asio::awaitable<void> stop_container(std::string id,
                                              std::optional<std::chrono::seconds> grace) override;
  boost::asio::awaitable<void> set_restart_policy(std::string id, std::string policy) override;
  boost::asio::awaitable<std::string> container_log(std::string id, int lines) override;
  boost::asio::awaitable<void> unpause_container(std::string id) override;
  boost::asio::awaitable<void> rename_container(std::string id, std::string name) override;
  boost::asio::awaitable<void> remove_container(std::string id, bool force) override;
  boost::asio::awaitable<void> connect_network(std::string network, std::string container,
                                               std::string endpoint_body) override;

  boost::asio::awaitable<void> disconnect_network(std::string network, std::string container) override;

  boost::asio::awaitable<Executed> exec(std::string container, Hook command,
                                        std::chrono::milliseconds limit) override;

  boost::asio::awaitable<bool> network_exists(std::string name) override;
  boost::asio::awaitable<std::vector<NetworkUser>> network_users(std::string id) override;
  boost::asio::awaitable<Created> create_network(std::string body) override;
  boost::asio::awaitable<void> remove_network(std::string id) override;
  boost::asio::awaitable<bool> volume_exists(std::string name) override;
  boost::asio::awaitable<EngineVolume> create_volume(std::string body) override;
  boost::asio::awaitable<void> remove_volume(std::string name) override;

  boost::asio::awaitable<void> watch(std::function<void()> on_open,
                                     std::function<void(EngineEvent)> on_event) override;

 private:
  struct Inspection;

  // One exchange. target lacks the version; what is the context of its errors.
  boost::asio::awaitable<http::Response> call(std::string what, http::Request request);
  boost::asio::awaitable<http::Response> call_unversioned(std::string what, http::Request request);
  boost::asio::awaitable<http::Response> stream(std::string what, http::Request request,
                                                std::function<void(std::string_view)> on_data,
                                                std::chrono::milliseconds idle);
  boost::asio::awaitable<EngineInfo> settle_version();
  boost::asio::awaitable<ApiVersion> settled_version();
  void forget_version_after(const Error& error);

  boost::asio::awaitable<void> observe_containers(Observed* observed);
  boost::asio::awaitable<void> observe_networks(Observed* observed);
  boost::asio::awaitable<void> observe_volumes(Observed* observed);
  boost::asio::awaitable<void> add_image_digests(Observed* observed);
  boost::asio::awaitable<void> inspect_next(std::shared_ptr<Inspection> inspection);
  boost::asio::awaitable<std::optional<std::string>> inspect(std::string what, std::string target);
  bool is_ours(const std::map<std::string, std::string>& labels) const;
  void add_adopted_labels(const std::string& id, std::map<std::string, std::string>& labels) const;
  bool is_of_interest(const EngineEvent& event) const;
  std::string label_filter() const;
  std::string redacted(std::string text) const;
  Error redacted(const Error& error) const { return {error.code(), redacted(std::string(error.what()))}; }

  boost::asio::any_io_executor loop_;
  http::Client client_;
  const std::string node_;
  std::optional<ApiVersion> api_;   // settled; empty before the first call and after the engine was lost
  std::set<std::string> networks_;  // ids of our networks, as last met
  // What registries call the images of our containers, by id: asked for once, as an image keeps it.
  std::map<std::string, std::vector<std::string>> digests_;
  Adopted adopted_;
  std::shared_ptr<const Redactor> redactor_;  // null: there is nothing to take out
};

}  // namespace hivemind::agent

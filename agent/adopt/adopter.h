#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "agent/adopt/takeover.h"
#include "agent/apply/files.h"
#include "agent/engine/engine.h"
#include "agent/plan/desired.h"
#include "agent/secrets/vault.h"

namespace hivemind::agent {

// Looks at what docker compose runs under a stack's name: makes a scratch container of each body that the
// stack would have made, never starts it, compares its inspection with that of the container that is there,
// and removes it again. Changes nothing else. Loop thread; the engine must outlive every call, of which one
// runs at a time.
class Adopter {
 public:
  Adopter(Engine& engine, Files files, std::shared_ptr<const Vault> vault)
      : engine_(engine), files_(std::move(files)), vault_(std::move(vault)) {}

  // Throws kConflict when docker compose has nothing of that name, else what the engine throws. The stack is
  // one of the desired ones.
  boost::asio::awaitable<Takeover> look(std::shared_ptr<const Desired> desired, std::string stack);

  // Removes scratch containers that a crash has left. Throws what the engine throws.
  boost::asio::awaitable<void> sweep(std::string node);

 private:
  struct Look;

  boost::asio::awaitable<void> look_at_networks(std::shared_ptr<Look> look);
  boost::asio::awaitable<void> look_at_volumes(std::shared_ptr<Look> look);
  boost::asio::awaitable<void> look_at_containers(std::shared_ptr<Look> look);
  boost::asio::awaitable<void> look_at(std::shared_ptr<Look> look, const DesiredService* service,
                                       ListedContainer there);
  boost::asio::awaitable<std::vector<Difference>> differences(std::shared_ptr<Look> look,
                                                              const DesiredService* service, std::string body,
                                                              std::string inspected);
  boost::asio::awaitable<std::optional<Difference>> obstacle(std::shared_ptr<Look> look,
                                                             const DesiredService* service);
  boost::asio::awaitable<std::string> scratch(std::shared_ptr<Look> look, const DesiredService* service,
                                              std::string body);
  boost::asio::awaitable<void> connect_rest(std::shared_ptr<Look> look, const DesiredService* service,
                                            std::string id);
  bool can_be_made(const DesiredService& service) const;
  std::string body_of(const Look& look, const DesiredService& service, const ListedContainer& there) const;

  Engine& engine_;
  Files files_;
  std::shared_ptr<const Vault> vault_;
};

}  // namespace hivemind::agent

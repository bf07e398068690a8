#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "agent/engine/engine.h"
#include "agent/plan/desired.h"
#include "hivemind/v1/command.pb.h"

namespace hivemind::agent {

// Removes for good what a stack that this node does not run any more has left: its named volumes, by our
// labels, and its directory below the agent's data directory. Nothing else removes either.
//
// Survives a crash at any point: what is left is looked for anew by the next call, and directories lose their
// place in one step before they are emptied. Loop thread. The engine must outlive the calls.
class Purge {
 public:
  // What this node is to run, at the time of the call; null: nothing is known yet.
  using Wanted = std::function<std::shared_ptr<const Desired>()>;

  Purge(Engine& engine, std::filesystem::path data_directory, std::string node, Wanted wanted);

  // What would be removed. Throws kConflict while the node is to run the stack, knows of no manifest, or has
  // containers of it; and the engine's errors.
  boost::asio::awaitable<v1::Purged> look(std::string stack);

  // Removes it, and tells what was removed. Throws kConflict as above, and when something else holds one of
  // the volumes: what came before it is gone then, the rest is still there.
  boost::asio::awaitable<void> remove(v1::Purged shown);

  // Empties what remove() has put aside, or what a crash in the middle of that has left. In slices, between
  // which the loop does other work: it may be a million files. Never throws: it is tried again at the next
  // start.
  boost::asio::awaitable<void> sweep() const;

 private:
  void require_unwanted(const std::string& stack, const std::string& volume) const;

  Engine& engine_;
  std::filesystem::path data_directory_;
  std::string node_;
  Wanted wanted_;
};

}  // namespace hivemind::agent

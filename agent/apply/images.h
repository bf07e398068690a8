#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "agent/engine/engine.h"
#include "agent/plan/desired.h"
#include "agent/plan/past.h"

// Taking images away again that nothing needs any more.
namespace hivemind::agent {

// What must stay.
struct NeededImages {
  std::set<std::string> names;  // as engines list them
  std::set<std::string> ids;

  void add(const std::string& reference);
  bool holds(const EngineImage& image) const;
};

// What the manifest's releases and the good ones run with. in_use: of all containers, as the engine says.
NeededImages needed_images(const Desired& desired, const std::map<std::string, GoodRelease>& good,
                           const std::set<std::string>& in_use);

// Of the images that are there, what is to be removed, name by name: those that were pulled by this agent and
// are needed by nobody. A name that others gave such an image stays, and the image with it.
std::vector<std::string> unneeded(const std::set<PulledImage>& pulled, const std::vector<EngineImage>& there,
                                  const NeededImages& needed);

// Which images this agent has had pulled, and their removal. Loop thread; engine and pulled must outlive it.
class Images {
 public:
  // desired: the manifest's; null: none yet, and then nothing is removed. on_changed: pulled is another one
  // now.
  struct Callbacks {
    std::function<const Desired*()> desired;
    std::function<const std::map<std::string, GoodRelease>&()> good;
    std::function<void()> on_changed;
  };
  Images(Engine& engine, std::set<PulledImage>& pulled, Callbacks callbacks)
      : engine_(engine), pulled_(pulled), callbacks_(std::move(callbacks)) {}

  // Around a pull. What the reference means afterwards is ours, unless it meant the same before.
  boost::asio::awaitable<void> begin(std::string reference);
  boost::asio::awaitable<void> end(std::string reference);
  // Never came to its end.
  void broken_off(const std::string& reference) { under_way_.erase(reference); }

  // Removes what is not needed; returns how much there was. What the engine will not let go stays. Throws
  // what the engine throws when it cannot be asked.
  boost::asio::awaitable<std::size_t> clean();

 private:
  boost::asio::awaitable<void> resolve(std::string reference, std::string before);
  boost::asio::awaitable<bool> remove(std::string name);
  void forget_gone(const std::vector<EngineImage>& there);
  void change(const std::set<PulledImage>& before);

  Engine& engine_;
  std::set<PulledImage>& pulled_;
  Callbacks callbacks_;
  std::set<std::string> under_way_;  // references
};

}  // namespace hivemind::agent

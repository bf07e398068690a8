#pragma once

#include <atomic>
#include <functional>
#include <set>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "hub/desired/diagnostic.h"
#include "hub/desired/pins.h"
#include "hub/pins/questions.h"

namespace hivemind::hub {

// The digests of the fleet's images: keeps those that are known, and has registries asked for those that are
// missing, on threads of its own, until they are known or wanted no more.
//
// Thread: made and used on the loop thread, destroyed after the loop has run for the last time. The
// destructor cuts short what is under way.
class Pinning {
 public:
  // Called on any thread. known: the last answer for this name, or null.
  using Resolve = std::function<registry::Resolution(const registry::ImageName&, const Pin* known,
                                                     const std::atomic<bool>& cancelled)>;
  struct Callbacks {
    // Keeps the pin for good. When it throws, the registry is asked again later.
    std::function<void(const std::set<std::string>& stacks, const std::string& reference, const Pin&)> store;
    std::function<void()> pinned;   // there is a pin that was not there before
    std::function<void()> changed;  // describe() says something else now
  };

  Pinning(boost::asio::any_io_executor loop, Resolve resolve, Callbacks callbacks, PinRetry retry = {});
  ~Pinning();
  Pinning(const Pinning&) = delete;
  Pinning& operator=(const Pinning&) = delete;

  void load(FleetPins known) { pins_ = std::move(known); }
  const FleetPins& pins() const { return pins_; }

  // From now on these are wanted, and no others.
  void want(const std::set<PinRequest>& requests);
  // The pins of these stacks hold no more, nor do answers that are under way for them.
  void forget(const std::set<std::string>& stacks);
  // Asks again for all that is known. A pin stays until there is another one.
  void renew();

  // Something was not tried yet.
  bool settling() const;
  // Says of what is pending whom was asked, what came of it, and when the next try is.
  void describe(Diagnostics& diagnostics) const;

  void stop();

 private:
  using Clock = PinQuestions::Clock;

  void pump();
  void start(const std::string& reference);
  void finish(const std::string& reference, registry::Resolution resolution);
  void take(const std::string& reference, const Pin& pin);
  void refuse(const std::string& reference, const registry::Refusal& refusal);
  const Pin* known(const std::string& reference) const;
  std::set<std::string> concerned(const std::string& reference, const PinQuestion& question) const;
  const PinRequest* request_of(const Diagnostic& diagnostic) const;  // null: of none that is wanted
  void describe_one(Diagnostic& diagnostic, const std::string& reference) const;
  std::string what_failed(const std::string& reference, const PinQuestion& question) const;

  boost::asio::any_io_executor loop_;
  Resolve resolve_;
  Callbacks callbacks_;
  FleetPins pins_;
  // Answers that hold no more, of what is asked: when they still do, the registry has to say less.
  StackPins former_;
  std::set<PinRequest> requests_;
  PinQuestions questions_;
  boost::asio::steady_timer wake_;
  bool stopped_ = false;
  std::atomic<bool> cancelled_{false};  // read by the pool's threads
  boost::asio::thread_pool pool_;       // last: its threads end before what they use
};

}  // namespace hivemind::hub

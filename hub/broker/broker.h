#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>

namespace hivemind::hub {

// What a listener with mutual TLS needs, in files that Mosquitto's user can read.
struct BrokerTlsFiles {
  std::filesystem::path ca;           // whose certificates are let in
  std::filesystem::path server;       // the broker's own key and certificate chain, in one file
  std::filesystem::path revocations;  // the CA's list
  std::filesystem::path acl;          // who may do what
};

struct BrokerOptions {
  // Without TLS the embedded broker serves this machine only, unless it is told otherwise.
  enum class Access { kLoopback, kAnyone };

  std::filesystem::path
      directory;       // for configuration, messages and process id; made when missing, mode 0700
  std::string listen;  // HOST:PORT or [IPV6]:PORT; the port is fixed, never 0
  Access access = Access::kLoopback;
  std::optional<BrokerTlsFiles> tls{};  // then it lets nobody in but who has a certificate
};

// The embedded Mosquitto: a child process that is configured, started, supervised and stopped here.
//
// It never outlives the hub: the kernel ends it when the thread that started it dies, and one that is left
// over all the same is found by its process id file and ended before a new one starts.
//
// Thread: made and used on the loop thread, which must be a thread that lives as long as the process (the
// kernel's promise is bound to it); every callback runs there. Nothing blocks the loop. Errors: the
// constructor throws kInvalid for an address that cannot be used, kNotFound when Mosquitto is not installed,
// kUnavailable when the directory cannot be made. What goes wrong later is told by on_down and tried again
// for ever.
class Broker {
 public:
  struct Callbacks {
    std::function<void()> on_up;  // accepts connections
    std::function<void(const std::string& why)>
        on_down;  // could not be started, or ended; not called by stop()
  };

  Broker(boost::asio::any_io_executor loop, BrokerOptions options, Callbacks callbacks);
  // Ends the child when stop() has not done so yet, and waits for it: at most 5 s, then kills it.
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  void start();

  // Asks the child to write its messages to disk and end; on_stopped runs once it has. At once when none
  // runs.
  void stop(std::function<void()> on_stopped = {});

  // Asks for retained messages and sessions to be written to disk soon; calls are merged to one a second. To
  // be called when manifests have been published: otherwise a broker that is killed loses what it got in the
  // last 5 minutes.
  void save();

  // Has the child read its files again: server certificate, revocation list, ACL. Connections go on; so does
  // that of a client whose certificate has just been revoked. False: it does not answer yet, and is told
  // before on_up.
  bool reload();

  bool running() const;

  // "mqtt://HOST:PORT", or mqtts://, fit for a client on this machine.
  std::string url() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hivemind::hub

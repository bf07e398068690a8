#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/identity/directory.h"
#include "common/backoff.h"

namespace hivemind::agent {

// Sees to it that the node's certificate is renewed in time, for ever: over HTTPS at the address where the
// node was enrolled. A failure is told and tried again with growing pauses; nothing is ever thrown away for
// it, and the certificate that is there goes on being used.
//
// Each step may be the last before a power cut: the new key is on the disk before the hub sees its public
// half, and the answer replaces key and certificate by one rename. Whoever starts after that asks again with
// the same key. Loop thread.
class Renewer : public std::enable_shared_from_this<Renewer> {
 public:
  struct Callbacks {
    std::function<void(std::int64_t until_s)> on_renewed;  // on the disk: connect with it
    std::function<void(const std::string& why)> on_failed;
    std::function<std::int64_t()> at_least_s;  // KnownTime's
  };

  // The directory is recovered and holds an identity. Throws kCorrupt or kDenied for one that cannot be used.
  Renewer(boost::asio::any_io_executor loop, IdentityDirectory directory, Callbacks callbacks);

  void start();
  void stop();
  // The broker says that the certificate has expired: whatever our clock says, it is time.
  void expired();

  const CertificateLife& life() const { return life_; }

 private:
  void look_later(std::chrono::milliseconds pause);
  void look();
  bool is_due() const;
  boost::asio::awaitable<void> renew();
  boost::asio::awaitable<void> ask(const Credential& old, const x509::PrivateKey& key);

  boost::asio::any_io_executor loop_;
  IdentityDirectory directory_;
  Callbacks callbacks_;
  Enrolment enrolment_;
  CertificateLife life_;
  double share_;
  Backoff backoff_;
  boost::asio::steady_timer timer_;
  std::optional<std::chrono::steady_clock::time_point> not_before_;
  bool is_expired_ = false;
  bool is_asking_ = false;
  bool is_stopped_ = false;
};

}  // namespace hivemind::agent

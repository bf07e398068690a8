#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "hub/api/tls.h"
#include "hub/api/tls_options.h"
#include "hub/trust/authority.h"

namespace hivemind::hub {

// Sees to the API's certificates: the one from the hub's CA (<directory>/api.pem) is made anew at two thirds
// of its life, and the operator's own is read again when its files change. Connections that are open keep
// theirs. Where a full disk takes none, the hub starts with one that is in memory alone.
//
// Thread: the loop's. What is wrong with the files keeps the hub from starting; later it is logged once, and
// what was there stays.
class ApiCertificates {
 public:
  // The authority outlives it.
  ApiCertificates(boost::asio::any_io_executor loop, const Authority& authority, ServerNames names,
                  std::filesystem::path directory, api::TlsOptions options);

  const std::shared_ptr<api::ServerTls>& tls() const { return tls_; }
  void start() { refresh_later(); }
  void stop() { timer_.cancel(); }

 private:
  api::ServerCertificates first() const;
  api::ServerCertificates read() const;
  api::ServerCertificates with_own(const KeyPair& authority) const;
  void refresh_later();
  void refresh();

  const Authority& authority_;
  ServerNames names_;
  std::filesystem::path directory_;
  api::TlsOptions options_;
  boost::asio::steady_timer timer_;
  std::string trouble_;  // that was logged
  std::shared_ptr<api::ServerTls> tls_;
};

}  // namespace hivemind::hub

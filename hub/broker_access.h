#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "hub/broker/credentials.h"
#include "hub/broker/takeover.h"

namespace hivemind::hub {

struct BrokerAccessPace {
  std::chrono::milliseconds between_looks = std::chrono::minutes(1);
  std::chrono::milliseconds takeover = std::chrono::minutes(4);  // of one; its certificate is good for five
};

// Who is let in to a broker with mutual TLS, as time goes by: renews the certificates of broker and hub, and
// shuts out nodes whose certificates were revoked.
//
// Loop thread. What goes wrong is logged once and tried again at every look until it is done; the constructor
// throws kUnavailable when a file can neither be written nor is there from an earlier run. Nothing of that
// need be kept over a restart: an embedded broker starts with the list whole, and without connections. Where
// the list cannot be written even then (a full disk), all nodes that it may lack are shut out once it is.
class BrokerAccess {
 public:
  struct Callbacks {
    std::function<std::string()> revocation_list;  // PEM, of now
    // The broker's files have changed. False: it does not read them yet; look() is to be called once it does.
    std::function<bool()> reload;
    std::function<void()> reconnect;  // the hub has another certificate
    // All nodes that the list names a certificate of.
    std::function<std::set<std::string>()> revoked_nodes = [] { return std::set<std::string>(); };
  };

  // url: mqtts://HOST:PORT of the broker as this machine reaches it.
  BrokerAccess(boost::asio::any_io_executor loop, const Authority& authority,
               const std::filesystem::path& directory, ServerNames names, std::string url,
               Callbacks callbacks, const BrokerAccessPace& pace);

  const BrokerCredentials& credentials() const { return credentials_; }

  void start();
  void stop();

  // Certificates of the node have been revoked. An embedded broker lets it in no more; its session ends, at
  // an embedded and at an external broker.
  void shut_out(const std::string& node);

  // Does what is due or still to be done; comes by itself every minute.
  void look();

 private:
  void look_later();
  void begin();
  void renew();
  BrokerCredentials::Renewed try_to_renew();
  bool write_list();
  void shut_out_the_rest();
  void end_session(const std::string& node);
  void session_ended(const std::string& node, const std::optional<std::string>& why_not);

  boost::asio::any_io_executor loop_;
  BrokerCredentials credentials_;
  std::string url_;
  Callbacks callbacks_;
  BrokerAccessPace pace_;
  boost::asio::steady_timer timer_;
  bool is_stale_ = false;                       // the broker has not been told of files that have changed
  std::string renewal_trouble_, list_trouble_;  // that was logged; empty: the last time it went well
  // Nodes whose sessions are not ended yet, and trouble likewise.
  std::map<std::string, std::string> to_shut_out_;
  std::map<std::string, std::unique_ptr<Takeover>> takeovers_;  // of some of those
};

}  // namespace hivemind::hub

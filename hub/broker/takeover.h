#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>

namespace hivemind::hub {

// Ends a client's session at the broker, whether it is connected or not: connects once in its name with a
// clean session, and goes. A broker that has read a new revocation list goes on with the connections that it
// has; this is what ends them.
//
// Loop thread. Tries until it succeeds, its owner goes, or its patience is at an end; then it removes the
// certificate's file and calls back once.
class Takeover {
 public:
  struct Target {
    std::string host;  // without brackets
    std::string port;
    std::filesystem::path ca_file;
    std::filesystem::path client_file;  // from BrokerCredentials::make_takeover
    std::string client_id;              // for a broker that does not make the certificate's name the client's
    std::chrono::milliseconds patience = std::chrono::minutes(4);  // the certificate is good for five
  };
  // The reason when it did not succeed. The object may be destroyed in it.
  using OnDone = std::function<void(std::optional<std::string> why_not)>;

  Takeover(boost::asio::any_io_executor loop, Target target, OnDone on_done);
  ~Takeover();
  Takeover(const Takeover&) = delete;
  Takeover& operator=(const Takeover&) = delete;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hivemind::hub

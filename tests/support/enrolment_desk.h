#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/envelope.h"
#include "common/x509/x509.h"

namespace hivemind::tests {

// The hub's side of enrolment and renewal over HTTPS, as a test wants it: what a real hub does not do when
// asked (lose an answer, show another CA, give certificates that last seconds) is done here. Certificates are
// real ones of a CA of its own. Serves on a thread of its own.
class EnrolmentDesk {
 public:
  struct Reply {
    unsigned status = 200;
    std::string body{};
    bool is_lost = false;  // the connection ends before it
  };
  using Answer = std::function<Reply(const nlohmann::json& question)>;

  EnrolmentDesk();
  ~EnrolmentDesk();
  EnrolmentDesk(const EnrolmentDesk&) = delete;
  EnrolmentDesk& operator=(const EnrolmentDesk&) = delete;

  int port() const { return port_; }
  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }
  std::string token(const std::string& secret = "secret") const;
  const x509::Certificate& ca() const { return ca_; }
  // Key and certificate of a server of this fleet, PEM.
  std::string server_pem() const;
  // Of a node that was enrolled by other means.
  std::string node_pem(const x509::PrivateKey& key, const std::string& node, std::chrono::seconds life) const;
  std::string revocation_list(const std::vector<std::string>& serials) const {
    return x509::revocation_list(ca_, ca_key_, serials, 1);
  }
  const SigningKey& signing_key() const { return signing_key_; }

  // For the questions that follow. Empty: granted.
  void answer_enrol(Answer answer);
  void answer_renew(Answer answer);
  void set_broker(std::string url);
  void set_life(std::chrono::seconds life);
  void set_ca_shown(std::string pem);  // by the open GET /api/v1/ca

  std::vector<nlohmann::json> enrolments() const;  // all that were asked, oldest first
  std::vector<nlohmann::json> renewals() const;

  Reply grant(const nlohmann::json& question, const std::string& node = "pi-1") const;
  Reply renewed(const nlohmann::json& question) const;
  static Reply refusal(unsigned status, const std::string& text);

 private:
  class Server;
  void serve();
  Reply reply_to(const std::string& target, const std::string& body);
  std::string chain_for(const std::string& csr, const std::string& node) const;

  x509::PrivateKey ca_key_ = x509::PrivateKey::generate();
  x509::Certificate ca_;
  SigningKey signing_key_ = SigningKey::generate();
  mutable std::mutex mutex_;
  Answer on_enrol_, on_renew_;
  std::string broker_ = "mqtts://:8883";
  std::string ca_shown_;
  std::chrono::seconds life_{3'600};
  std::vector<nlohmann::json> enrolments_, renewals_;
  std::unique_ptr<Server> server_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace hivemind::tests

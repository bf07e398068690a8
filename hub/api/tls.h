#pragma once

#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>

namespace hivemind::hub::api {

// What the API shows for itself. PEM texts: a private key with its certificate, and what stands between that
// and the root.
struct ServerCertificates {
  std::string authority;  // from the hub's CA: what agents ask for
  std::string own;        // the operator's, for everybody else; empty: none
};

// The server's side of TLS, 1.2 or 1.3: which certificate a client gets. Who asks for 'hivemind-hub' gets the
// CA's, whatever else there is: agents trust nobody else. Thread: the loop's.
class ServerTls {
 public:
  // Throws kInvalid for texts that are no key and certificate which belong together.
  explicit ServerTls(ServerCertificates certificates);

  // For connections from now on. Throws likewise, and then nothing has changed. False: they are the same.
  bool replace(ServerCertificates certificates);

  // Both contexts live for as long as this is held.
  struct Contexts;
  std::shared_ptr<Contexts> current() const { return contexts_; }
  static boost::asio::ssl::context& default_of(Contexts& contexts);

 private:
  std::string fingerprint_;  // of the texts: keys are not kept as text
  std::shared_ptr<Contexts> contexts_;
};

}  // namespace hivemind::hub::api

#include "hub/api_certificates.h"

#include "common/error.h"
#include "common/file.h"
#include "common/log.h"
#include "common/private_file.h"

namespace hivemind::hub {
namespace {

constexpr std::chrono::seconds kBetweenLooks{60};
constexpr auto kUnkeptLife = std::chrono::days(397);

x509::sys_seconds now() {
  return std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace

ApiCertificates::ApiCertificates(boost::asio::any_io_executor loop, const Authority& authority,
                                 ServerNames names, std::filesystem::path directory, api::TlsOptions options)
    : authority_(authority),
      names_(std::move(names)),
      directory_(std::move(directory)),
      options_(std::move(options)),
      timer_(loop),
      tls_(std::make_shared<api::ServerTls>(first())) {}

// A hub starts on a full disk as well.
api::ServerCertificates ApiCertificates::first() const {
  try {
    return read();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kExhausted) throw;
    log::warn("the API's new certificate is not kept: {} (tried again until it is)", error.what());
    return with_own(authority_.issue_server(names_, now() + kUnkeptLife));
  }
}

api::ServerCertificates ApiCertificates::read() const {
  return with_own(authority_.keep_server(directory_ / "api.pem", names_, now()));
}

api::ServerCertificates ApiCertificates::with_own(const KeyPair& authority) const {
  api::ServerCertificates certificates;
  certificates.authority = authority.pem();
  if (options_.certificate.empty()) return certificates;
  const SecretText key = read_private_file(options_.key, "the API's private key");
  certificates.own = key.text() + "\n" + read_file(options_.certificate);
  return certificates;
}

void ApiCertificates::refresh_later() {
  timer_.expires_after(kBetweenLooks);
  timer_.async_wait([this](boost::system::error_code failure) {
    if (failure) return;
    refresh();
    refresh_later();
  });
}

// A certificate and its key are two files: between the writing of one and of the other they do not belong
// together, and the next look will find them well.
void ApiCertificates::refresh() {
  try {
    if (tls_->replace(read())) log::info("the API shows a new certificate");
    trouble_.clear();
  } catch (const Error& error) {
    if (trouble_ != error.what()) log::error("the API's certificate stays as it was: {}", error.what());
    trouble_ = error.what();
  }
}

}  // namespace hivemind::hub

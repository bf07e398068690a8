#include <ctime>

#include <arpa/inet.h>
#include <openssl/pem.h>

#include "common/digest.h"
#include "common/x509/openssl.h"
#include "common/x509/x509.h"

namespace hivemind::x509 {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::string_view kBegin = "-----BEGIN ";

sys_seconds time_of(const ASN1_TIME* time) {
  std::tm tm{};
  if (ASN1_TIME_to_tm(time, &tm) != 1) fail(ErrorCode::kInvalid, "a certificate's time cannot be read");
  const std::chrono::year_month_day day{std::chrono::year{tm.tm_year + 1900},
                                        std::chrono::month{static_cast<unsigned>(tm.tm_mon + 1)},
                                        std::chrono::day{static_cast<unsigned>(tm.tm_mday)}};
  return std::chrono::sys_days{day} + hours{tm.tm_hour} + minutes{tm.tm_min} + seconds{tm.tm_sec};
}

// Null at the end of the text. A certificate that has begun must be a whole one.
::X509* next_certificate(const Bio& bio) {
  ::X509* certificate = PEM_read_bio_X509_AUX(bio.get(), nullptr, no_passphrase, nullptr);
  if (certificate == nullptr && BIO_pending(bio.get()) > 0)
    fail(ErrorCode::kInvalid, "a damaged certificate in PEM");
  return certificate;
}

// How many there should be: OpenSSL takes one that is cut off for the end of the text.
std::size_t begun(std::string_view pem) {
  std::size_t count = 0;
  for (std::size_t at = pem.find(kBegin); at != pem.npos; at = pem.find(kBegin, at + 1)) {
    const std::string_view kind = pem.substr(at + kBegin.size());
    if (kind.starts_with("CERTIFICATE-----") || kind.starts_with("TRUSTED CERTIFICATE-----")) ++count;
  }
  return count;
}

template <typename Visit>
void for_each_name(const ::X509* certificate, Visit visit) {
  auto* names =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) visit(*sk_GENERAL_NAME_value(names, i));
  GENERAL_NAMES_free(names);
}

std::string_view view_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

}  // namespace

Certificate Certificate::parse(std::string_view pem) {
  const Bio bio = reader(pem);
  ::X509* certificate = PEM_read_bio_X509_AUX(bio.get(), nullptr, no_passphrase, nullptr);
  if (certificate == nullptr) fail(ErrorCode::kInvalid, "not a certificate in PEM");
  return Certificate(shared(certificate));
}

std::vector<Certificate> Certificate::parse_all(std::string_view pem) {
  const Bio bio = reader(pem);
  std::vector<Certificate> found;
  while (::X509* certificate = next_certificate(bio)) found.push_back(Certificate(shared(certificate)));
  take_reason();  // the end of the text is a note of OpenSSL's, too
  if (found.empty()) throw Error(ErrorCode::kInvalid, "not a certificate in PEM");
  if (found.size() != begun(pem)) throw Error(ErrorCode::kInvalid, "a certificate in PEM is cut off");
  return found;
}

std::string Certificate::pem() const {
  const Bio bio = writer();
  require(PEM_write_bio_X509(bio.get(), certificate_.get()) == 1, "a certificate cannot be written");
  return content(bio);
}

std::string Certificate::anchor_pem() const {
  if (is_self_signed()) return pem();
  const auto trusted = shared(X509_dup(certificate_.get()));
  require(trusted != nullptr, "no memory for a certificate");
  X509_trust_clear(trusted.get());
  for (const int purpose : {NID_client_auth, NID_server_auth})
    require(X509_add1_trust_object(trusted.get(), OBJ_nid2obj(purpose)) == 1, "no memory for a certificate");
  const Bio bio = writer();
  require(PEM_write_bio_X509_AUX(bio.get(), trusted.get()) == 1, "a certificate cannot be written");
  return content(bio);
}

std::string Certificate::fingerprint_bytes() const {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  require(X509_digest(certificate_.get(), EVP_sha256(), bytes, &size) == 1, "a certificate has no digest");
  return {reinterpret_cast<const char*>(bytes), size};
}

std::string Certificate::fingerprint() const {
  return to_hex(fingerprint_bytes());
}

std::string Certificate::common_name() const {
  return text_of(X509_get_subject_name(certificate_.get()));
}

std::string Certificate::serial() const {
  return to_hex(view_of(X509_get0_serialNumber(certificate_.get())));
}

sys_seconds Certificate::not_before() const {
  return time_of(X509_get0_notBefore(certificate_.get()));
}

sys_seconds Certificate::not_after() const {
  return time_of(X509_get0_notAfter(certificate_.get()));
}

std::vector<std::string> Certificate::dns_names() const {
  std::vector<std::string> found;
  for_each_name(certificate_.get(), [&](const GENERAL_NAME& name) {
    if (name.type == GEN_DNS) found.emplace_back(view_of(name.d.dNSName));
  });
  return found;
}

std::vector<std::string> Certificate::ip_addresses() const {
  std::vector<std::string> found;
  for_each_name(certificate_.get(), [&](const GENERAL_NAME& name) {
    if (name.type != GEN_IPADD) return;
    const std::string_view bytes = view_of(name.d.iPAddress);
    char text[INET6_ADDRSTRLEN] = {};
    if (bytes.size() != 4 && bytes.size() != 16) return;
    if (inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text) != nullptr)
      found.emplace_back(text);
  });
  return found;
}

PublicKey Certificate::public_key() const {
  EVP_PKEY* key = X509_get_pubkey(certificate_.get());
  if (key == nullptr) fail(ErrorCode::kInvalid, "a certificate's key cannot be read");
  return PublicKey(shared(key));
}

bool Certificate::is_self_signed() const {
  const bool is_signed = X509_self_signed(certificate_.get(), 1) == 1;
  if (!is_signed) take_reason();
  return is_signed;
}

bool Certificate::has_purpose(Purpose purpose) const {
  ::X509* certificate = certificate_.get();
  const std::uint32_t usage = X509_get_extended_key_usage(certificate);  // all ones without the extension
  switch (purpose) {
    case Purpose::kClient:
      return usage == XKU_SSL_CLIENT;
    case Purpose::kServer:
      return usage == XKU_SSL_SERVER;
    case Purpose::kAuthority:
      return X509_check_ca(certificate) == 1 && (X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN) != 0;
  }
  return false;
}

bool Certificate::is_issued_by(const Certificate& authority) const {
  EVP_PKEY* key = X509_get0_pubkey(authority.certificate_.get());
  const bool is_issued = key != nullptr &&
                         X509_NAME_cmp(X509_get_issuer_name(certificate_.get()),
                                       X509_get_subject_name(authority.certificate_.get())) == 0 &&
                         X509_verify(certificate_.get(), key) == 1;
  if (!is_issued) take_reason();
  return is_issued;
}

std::optional<std::string> why_untrusted(const Certificate& certificate, const Certificate& anchor,
                                         Purpose purpose, sys_seconds at) {
  if (!certificate.has_purpose(purpose)) return "it is for another purpose";
  if (!anchor.has_purpose(Purpose::kAuthority)) return "its issuer is no authority";
  if (!certificate.is_issued_by(anchor)) return "another authority has issued it, or it is damaged";
  // Not left to X509_verify_cert: the time is a parameter, and time_t has 32 bits on some boards.
  for (const Certificate* each : {&certificate, &anchor}) {
    const char* whose = each == &anchor ? "its issuer" : "it";
    if (at < each->not_before()) return fmt::format("{} is not valid yet", whose);
    if (at > each->not_after()) return fmt::format("{} has expired", whose);
  }
  return std::nullopt;
}

}  // namespace hivemind::x509

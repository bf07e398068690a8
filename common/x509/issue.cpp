#include <array>

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/pem.h>

#include "common/digest.h"
#include "common/x509/openssl.h"
#include "common/x509/x509.h"

namespace hivemind::x509 {

// May look inside of the values.
struct Signer {
  const Certificate* authority;  // null: the certificate signs itself
  EVP_PKEY* key;

  static EVP_PKEY* handle(const PublicKey& key) { return key.key_.get(); }
  static EVP_PKEY* handle(const PrivateKey& key) { return key.key_.get(); }
  static ::X509* handle(const Certificate& certificate) { return certificate.certificate_.get(); }
  static Certificate wrap(std::shared_ptr<::X509> certificate) { return Certificate(std::move(certificate)); }
};

namespace {

constexpr std::size_t kSerialBytes = 16;
constexpr std::size_t kMaxDnsName = 253;

// By text: ASN1_TIME_set takes a time_t, which has 32 bits on some boards.
Time time_at(sys_seconds at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{at - day};
  const std::string text =
      fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  Time time(ASN1_TIME_new());
  require(time != nullptr && ASN1_TIME_set_string_X509(time.get(), text.c_str()) == 1,
          "a time cannot be written");
  return time;
}

Number number_of(const std::string& hex) {
  BIGNUM* big = nullptr;
  const bool is_hex = !hex.empty() && static_cast<std::size_t>(BN_hex2bn(&big, hex.c_str())) == hex.size();
  Number number(is_hex ? BN_to_ASN1_INTEGER(big, nullptr) : nullptr);
  BN_free(big);
  if (!number) throw Error(ErrorCode::kInvalid, "'{}' is no serial number (expected hex digits)", hex);
  return number;
}

// Positive, as RFC 5280 wants it, and as long as the others.
std::string random_serial() {
  std::string hex = random_hex(kSerialBytes);
  hex[0] = static_cast<char>('4' + (hex[0] & 3));
  return hex;
}

void add(const Signer& signer, ::X509* certificate, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  ::X509* issuer = signer.authority == nullptr ? certificate : Signer::handle(*signer.authority);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1,
          "a certificate cannot be extended");
  X509_EXTENSION_free(extension);
}

void push(GENERAL_NAMES* names, int type, ASN1_STRING* value) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  require(name != nullptr && value != nullptr && sk_GENERAL_NAME_push(names, name) > 0,
          "no memory for a name");
  GENERAL_NAME_set0_value(name, type, value);
}

void push_dns(GENERAL_NAMES* names, const std::string& text) {
  const bool is_printable =
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*") ==
      text.npos;
  if (text.empty() || text.size() > kMaxDnsName || !is_printable)
    throw Error(ErrorCode::kInvalid, "'{}' is no DNS name", text);
  ASN1_STRING* value = ASN1_IA5STRING_new();
  require(value != nullptr && ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) == 1,
          "no memory for a name");
  push(names, GEN_DNS, value);
}

void push_address(GENERAL_NAMES* names, const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  const bool is_v4 = inet_pton(AF_INET, text.c_str(), bytes.data()) == 1;
  if (!is_v4 && inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1)
    throw Error(ErrorCode::kInvalid, "'{}' is no IP address", text);
  ASN1_STRING* value = ASN1_OCTET_STRING_new();
  require(value != nullptr && ASN1_STRING_set(value, bytes.data(), is_v4 ? 4 : 16) == 1,
          "no memory for a name");
  push(names, GEN_IPADD, value);
}

void add_names(::X509* certificate, const Profile& profile) {
  if (profile.dns_names.empty() && profile.ip_addresses.empty()) return;
  const std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>> names(GENERAL_NAMES_new());
  for (const std::string& name : profile.dns_names) push_dns(names.get(), name);
  for (const std::string& address : profile.ip_addresses) push_address(names.get(), address);
  require(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1,
          "a certificate cannot be extended");
}

void add_usage(const Signer& signer, ::X509* certificate, Purpose purpose) {
  const bool is_authority = purpose == Purpose::kAuthority;
  add(signer, certificate, NID_basic_constraints,
      is_authority ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE");
  add(signer, certificate, NID_key_usage,
      is_authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  if (!is_authority)
    add(signer, certificate, NID_ext_key_usage, purpose == Purpose::kServer ? "serverAuth" : "clientAuth");
}

Certificate sign(const Signer& signer, EVP_PKEY* subject_key, const Profile& profile) {
  const auto certificate = shared(X509_new());
  ::X509* raw = certificate.get();
  const Number serial = number_of(profile.serial.empty() ? random_serial() : profile.serial);
  const Time not_before = time_at(kNotBefore);
  const Time not_after = time_at(profile.not_after);
  set_common_name(X509_get_subject_name(raw), profile.common_name);
  const X509_NAME* issuer =
      X509_get_subject_name(signer.authority == nullptr ? raw : Signer::handle(*signer.authority));
  require(X509_set_version(raw, 2) == 1 && X509_set_serialNumber(raw, serial.get()) == 1 &&
              X509_set1_notBefore(raw, not_before.get()) == 1 &&
              X509_set1_notAfter(raw, not_after.get()) == 1 && X509_set_issuer_name(raw, issuer) == 1 &&
              X509_set_pubkey(raw, subject_key) == 1,
          "a certificate cannot be filled in");
  add_usage(signer, raw, profile.purpose);
  add(signer, raw, NID_subject_key_identifier, "hash");
  if (signer.authority != nullptr) add(signer, raw, NID_authority_key_identifier, "keyid");
  add_names(raw, profile);
  require(X509_sign(raw, signer.key, digest_of(signer.key)) > 0, "a certificate cannot be signed");
  return Signer::wrap(certificate);
}

}  // namespace

Certificate self_sign(const PrivateKey& key, const Profile& profile) {
  return sign({nullptr, Signer::handle(key)}, Signer::handle(key), profile);
}

Certificate issue(const Certificate& authority, const PrivateKey& authority_key, const PublicKey& key,
                  const Profile& profile) {
  return sign({&authority, Signer::handle(authority_key)}, Signer::handle(key), profile);
}

std::string revocation_list(const Certificate& authority, const PrivateKey& authority_key,
                            const std::vector<std::string>& serials, std::int64_t number) {
  const Crl list(X509_CRL_new());
  const Time since = time_at(kNotBefore);
  const Time until = time_at(kNever);
  EVP_PKEY* key = Signer::handle(authority_key);
  require(list != nullptr && X509_CRL_set_version(list.get(), 1) == 1 &&
              X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(Signer::handle(authority))) == 1 &&
              X509_CRL_set1_lastUpdate(list.get(), since.get()) == 1 &&
              X509_CRL_set1_nextUpdate(list.get(), until.get()) == 1,
          "a revocation list cannot be filled in");
  for (const std::string& serial : serials) {
    X509_REVOKED* revoked = X509_REVOKED_new();
    require(revoked != nullptr && X509_REVOKED_set_serialNumber(revoked, number_of(serial).get()) == 1 &&
                X509_REVOKED_set_revocationDate(revoked, since.get()) == 1 &&
                X509_CRL_add0_revoked(list.get(), revoked) == 1,
            "a revocation list cannot be filled in");
  }
  const Number counted = number_of(fmt::format("{:x}", number));
  require(X509_CRL_add1_ext_i2d(list.get(), NID_crl_number, counted.get(), 0, 0) == 1 &&
              X509_CRL_sort(list.get()) == 1 && X509_CRL_sign(list.get(), key, digest_of(key)) > 0,
          "a revocation list cannot be signed");
  const Bio bio = writer();
  require(PEM_write_bio_X509_CRL(bio.get(), list.get()) == 1, "a revocation list cannot be written");
  return content(bio);
}

std::vector<std::string> revoked_serials(const Certificate& authority, std::string_view pem) {
  const Bio bio = reader(pem);
  const Crl list(PEM_read_bio_X509_CRL(bio.get(), nullptr, no_passphrase, nullptr));
  if (list == nullptr) fail(ErrorCode::kInvalid, "not a revocation list in PEM");
  if (X509_CRL_verify(list.get(), X509_get0_pubkey(Signer::handle(authority))) != 1)
    fail(ErrorCode::kDenied, "another authority has signed the revocation list");
  std::vector<std::string> found;
  STACK_OF(X509_REVOKED)* revoked = X509_CRL_get_REVOKED(list.get());
  for (int i = 0; i < sk_X509_REVOKED_num(revoked); ++i) {
    const ASN1_INTEGER* serial = X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(revoked, i));
    found.push_back(to_hex({reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)),
                            static_cast<std::size_t>(ASN1_STRING_length(serial))}));
  }
  return found;
}

}  // namespace hivemind::x509

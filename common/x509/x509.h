#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// OpenSSL's own names, so that its headers stay in the adapter.
struct evp_pkey_st;
struct x509_st;

// Certificates (X.509, RFC 5280) and their keys (ECDSA on P-256, with SHA-256), by OpenSSL.
//
// Everything here is an immutable value: copies are cheap and share what does not change, so any thread may
// use them. PEM and DER that come from outside may be anything: what does not parse is Error kInvalid, and
// the message never quotes it.
namespace hivemind::x509 {

using std::chrono::sys_seconds;

// Certificates are valid from then on: a node whose clock stands in the past (no battery, no network time
// yet) must be able to verify them.
inline constexpr sys_seconds kNotBefore{};
// "No well-defined expiration date" of RFC 5280, 4.1.2.5: 9999-12-31T23:59:59Z.
inline constexpr sys_seconds kNever{std::chrono::seconds{253'402'300'799}};

class PublicKey {
 public:
  // SHA-256 of its SubjectPublicKeyInfo, as 64 hex digits: the same for the same key, whatever carries it.
  std::string fingerprint() const;
  // ECDSA with SHA-256, DER. False for everything that is not a signature of this key over these bytes.
  bool verify(std::string_view bytes, std::string_view signature) const;
  bool is_p256() const;

  bool operator==(const PublicKey& other) const;

 private:
  friend class PrivateKey;
  friend class Certificate;
  friend class Request;
  friend struct Signer;
  explicit PublicKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}

  std::shared_ptr<evp_pkey_st> key_;
};

// Wiped when the last copy goes.
class PrivateKey {
 public:
  static PrivateKey generate();
  // The first private key of the text (PKCS #8 or SEC 1, not encrypted); what else stands there, such as
  // certificates, is passed over.
  static PrivateKey parse(std::string_view pem);
  // Throws kDenied for a file that others can read, kNotFound, and kCorrupt for one that holds no key.
  static PrivateKey load(const std::filesystem::path& file);

  std::string pem() const;  // PKCS #8
  PublicKey public_key() const { return PublicKey(key_); }
  std::string sign(std::string_view bytes) const;

 private:
  friend class Request;
  friend struct Signer;
  explicit PrivateKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}

  std::shared_ptr<evp_pkey_st> key_;
};

// What a certificate is good for. They exclude each other: a node's certificate does not make a server, nor a
// server's a client.
enum class Purpose {
  kClient,     // extended key usage clientAuth only
  kServer,     // extended key usage serverAuth only
  kAuthority,  // CA:TRUE with a path length of 0: signs certificates of the others, and revocation lists
};

class Certificate {
 public:
  // The first certificate of the text; what else stands there, such as a key, is passed over.
  static Certificate parse(std::string_view pem);
  // All of them, in their order; at least one.
  static std::vector<Certificate> parse_all(std::string_view pem);

  std::string pem() const;
  // The form that makes OpenSSL trust exactly this certificate, although it is an intermediate: "BEGIN
  // TRUSTED CERTIFICATE" with the purposes client and server. (Paho and Mosquitto cannot be told
  // X509_V_FLAG_PARTIAL_CHAIN.) For one that is self-signed: pem().
  std::string anchor_pem() const;
  // SHA-256 of its DER: 32 bytes, and as 64 hex digits.
  std::string fingerprint_bytes() const;
  std::string fingerprint() const;

  std::string common_name() const;  // "" when it has none
  std::string serial() const;       // lower-case hex, two digits a byte
  sys_seconds not_before() const;
  sys_seconds not_after() const;
  std::vector<std::string> dns_names() const;     // of its subject alternative names
  std::vector<std::string> ip_addresses() const;  // likewise, as text
  PublicKey public_key() const;
  bool is_self_signed() const;
  bool has_purpose(Purpose purpose) const;
  // The names fit and the signature is one of the authority's key. Times and purposes are not looked at.
  bool is_issued_by(const Certificate& authority) const;

  bool operator==(const Certificate& other) const { return fingerprint_bytes() == other.fingerprint_bytes(); }

 private:
  friend struct Signer;
  explicit Certificate(std::shared_ptr<x509_st> certificate) : certificate_(std::move(certificate)) {}

  std::shared_ptr<x509_st> certificate_;
};

// Nothing when the anchor has issued the certificate for this purpose and both are valid at that time; else
// what is wrong with the certificate. The anchor need not be self-signed.
std::optional<std::string> why_untrusted(const Certificate& certificate, const Certificate& anchor,
                                         Purpose purpose, sys_seconds at);

// A certificate signing request (PKCS #10): who asks shows that he has the key.
class Request {
 public:
  // common_name: empty for who leaves it to the authority.
  static Request make(const PrivateKey& key, std::string_view common_name);
  // Throws kInvalid for what is none or asks for a key that is not on P-256, kDenied when its signature is
  // not one of its own key.
  static Request parse(std::string_view pem);

  const std::string& pem() const { return pem_; }
  const std::string& common_name() const { return common_name_; }  // what it asks for; the authority decides
  const PublicKey& public_key() const { return key_; }

 private:
  Request(std::string pem, std::string common_name, PublicKey key)
      : pem_(std::move(pem)), common_name_(std::move(common_name)), key_(std::move(key)) {}

  std::string pem_;
  std::string common_name_;
  PublicKey key_;
};

// What a certificate is to say.
struct Profile {
  std::string common_name;
  Purpose purpose = Purpose::kClient;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  sys_seconds not_after;
  std::string serial{};  // hex; empty: 16 random bytes
};

// The authority's own certificate: signed by its own key.
Certificate self_sign(const PrivateKey& key, const Profile& profile);
// Throws kInvalid for a name or an address that cannot be one.
Certificate issue(const Certificate& authority, const PrivateKey& authority_key, const PublicKey& key,
                  const Profile& profile);

// A revocation list as PEM. It says of itself that it is always current (OpenSSL refuses every certificate
// once a list is out of date), so the reader's clock does not matter. Serials as Certificate::serial() writes
// them.
std::string revocation_list(const Certificate& authority, const PrivateKey& authority_key,
                            const std::vector<std::string>& serials, std::int64_t number);
// The serials of a list that this authority has signed. Throws kInvalid, or kDenied for another's.
std::vector<std::string> revoked_serials(const Certificate& authority, std::string_view pem);

}  // namespace hivemind::x509

#include "common/x509/openssl.h"

#include <openssl/err.h>

namespace hivemind::x509 {

std::string take_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "no reason given" : reason;
}

void fail(ErrorCode code, std::string_view what) {
  throw Error(code, "{} ({})", what, take_reason());
}

void require(bool worked, std::string_view what) {
  if (!worked) fail(ErrorCode::kInternal, what);
}

Bio reader(std::string_view text) {
  Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  require(bio != nullptr, "no memory for a certificate");
  return bio;
}

// Its memory is wiped when it goes: keys are written through it, too.
Bio writer() {
  Bio bio(BIO_new(BIO_s_secmem()));
  require(bio != nullptr, "no memory for a certificate");
  return bio;
}

std::string content(const Bio& bio) {
  const char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::shared_ptr<EVP_PKEY> shared(EVP_PKEY* key) {
  return {key, [](EVP_PKEY* last) { EVP_PKEY_free(last); }};
}

std::shared_ptr<::X509> shared(::X509* certificate) {
  return {certificate, [](::X509* last) { X509_free(last); }};
}

int no_passphrase(char*, int, int, void*) {
  return -1;
}

const EVP_MD* digest_of(const EVP_PKEY* key) {
  return EVP_PKEY_is_a(key, "ED25519") != 0 || EVP_PKEY_is_a(key, "ED448") != 0 ? nullptr : EVP_sha256();
}

std::string text_of(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* bytes = nullptr;
  const int size = ASN1_STRING_to_UTF8(&bytes, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) return {};
  std::string text(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return text;
}

void set_common_name(X509_NAME* name, std::string_view common_name) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(common_name.data());
  if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, bytes, static_cast<int>(common_name.size()), -1,
                                 0) != 1) {
    take_reason();
    throw Error(ErrorCode::kInvalid, "'{}' cannot be a certificate's name (1 to 64 characters)", common_name);
  }
}

}  // namespace hivemind::x509

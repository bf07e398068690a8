#include <openssl/pem.h>

#include "common/x509/openssl.h"
#include "common/x509/x509.h"

namespace hivemind::x509 {

Request Request::make(const PrivateKey& key, std::string_view common_name) {
  const RequestHandle request(X509_REQ_new());
  require(request != nullptr, "no memory for a certificate request");
  if (!common_name.empty()) set_common_name(X509_REQ_get_subject_name(request.get()), common_name);
  require(X509_REQ_set_version(request.get(), 0) == 1 &&
              X509_REQ_set_pubkey(request.get(), key.key_.get()) == 1 &&
              X509_REQ_sign(request.get(), key.key_.get(), digest_of(key.key_.get())) > 0,
          "a certificate request cannot be signed");
  const Bio bio = writer();
  require(PEM_write_bio_X509_REQ(bio.get(), request.get()) == 1, "a certificate request cannot be written");
  return {content(bio), std::string(common_name), key.public_key()};
}

Request Request::parse(std::string_view pem) {
  const Bio bio = reader(pem);
  const RequestHandle request(PEM_read_bio_X509_REQ(bio.get(), nullptr, no_passphrase, nullptr));
  if (request == nullptr) fail(ErrorCode::kInvalid, "not a certificate request in PEM");
  EVP_PKEY* raw = X509_REQ_get_pubkey(request.get());
  if (raw == nullptr) fail(ErrorCode::kInvalid, "the key of a certificate request cannot be read");
  PublicKey key(shared(raw));
  if (!key.is_p256()) throw Error(ErrorCode::kInvalid, "the key of a certificate request is not on P-256");
  if (X509_REQ_verify(request.get(), raw) != 1)
    fail(ErrorCode::kDenied, "a certificate request is not signed by the key that it is for");
  return {std::string(pem), text_of(X509_REQ_get_subject_name(request.get())), std::move(key)};
}

}  // namespace hivemind::x509

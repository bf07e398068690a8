#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

#include "common/digest.h"
#include "common/private_file.h"
#include "common/x509/openssl.h"
#include "common/x509/x509.h"

namespace hivemind::x509 {
namespace {

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string PublicKey::fingerprint() const {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &der);
  require(size > 0, "a public key cannot be encoded");
  const std::string hex = sha256_hex({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return hex;
}

bool PublicKey::verify(std::string_view bytes, std::string_view signature) const {
  const Context context(EVP_MD_CTX_new());
  const bool is_right =
      EVP_DigestVerifyInit(context.get(), nullptr, digest_of(key_.get()), nullptr, key_.get()) == 1 &&
      EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(bytes), bytes.size()) ==
          1;
  if (!is_right) take_reason();
  return is_right;
}

bool PublicKey::is_p256() const {
  char group[32] = {};
  std::size_t size = 0;
  const bool has_group = EVP_PKEY_get_group_name(key_.get(), group, sizeof group, &size) == 1;
  if (!has_group) take_reason();
  return has_group && std::string_view(group, size) == SN_X9_62_prime256v1;
}

bool PublicKey::operator==(const PublicKey& other) const {
  const bool is_same = EVP_PKEY_eq(key_.get(), other.key_.get()) == 1;
  if (!is_same) take_reason();  // keys of two kinds leave a note
  return is_same;
}

PrivateKey PrivateKey::generate() {
  EVP_PKEY* key = EVP_EC_gen(SN_X9_62_prime256v1);
  require(key != nullptr, "a key cannot be made");
  return PrivateKey(shared(key));
}

PrivateKey PrivateKey::parse(std::string_view pem) {
  const Bio bio = reader(pem);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr);
  if (key == nullptr) fail(ErrorCode::kInvalid, "not a private key in PEM");
  return PrivateKey(shared(key));
}

PrivateKey PrivateKey::load(const std::filesystem::path& file) {
  const SecretText pem = read_private_file(file, "key");
  try {
    return parse(pem.text());
  } catch (const Error& error) {
    throw Error(ErrorCode::kCorrupt, "'{}': {}", file.string(), error.what());
  }
}

std::string PrivateKey::pem() const {
  const Bio bio = writer();
  require(PEM_write_bio_PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
          "a key cannot be written");
  return content(bio);
}

std::string PrivateKey::sign(std::string_view bytes) const {
  const Context context(EVP_MD_CTX_new());
  std::size_t size = 0;
  require(EVP_DigestSignInit(context.get(), nullptr, digest_of(key_.get()), nullptr, key_.get()) == 1 &&
              EVP_DigestSign(context.get(), nullptr, &size, bytes_of(bytes), bytes.size()) == 1,
          "bytes cannot be signed");
  std::string signature(size, '\0');
  require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                         bytes_of(bytes), bytes.size()) == 1,
          "bytes cannot be signed");
  signature.resize(size);  // DER: a few bytes shorter than the most it may be
  return signature;
}

}  // namespace hivemind::x509

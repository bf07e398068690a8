#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "common/error.h"

// What those share who speak to OpenSSL: this adapter and the TLS of common/http. Not for others.
namespace hivemind::x509 {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Context = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using Crl = std::unique_ptr<X509_CRL, Freed<X509_CRL_free>>;
using RequestHandle = std::unique_ptr<X509_REQ, Freed<X509_REQ_free>>;
using Time = std::unique_ptr<ASN1_TIME, Freed<ASN1_TIME_free>>;
using Number = std::unique_ptr<ASN1_INTEGER, Freed<ASN1_INTEGER_free>>;

// The newest reason that OpenSSL has noted in this thread, whose notes are cleared by it.
std::string take_reason();
[[noreturn]] void fail(ErrorCode code, std::string_view what);
// For calls that can only fail for want of memory, or by a defect of ours.
void require(bool worked, std::string_view what);

Bio reader(std::string_view text);
Bio writer();
std::string content(const Bio& bio);

std::shared_ptr<EVP_PKEY> shared(EVP_PKEY* key);
std::shared_ptr<::X509> shared(::X509* certificate);

// For every PEM_read_bio_*, of whatever kind: without it OpenSSL asks the terminal, and waits, where a block
// says that it is encrypted. Such a one does not parse here.
int no_passphrase(char* buffer, int size, int is_writing, void* context);

// SHA-256, but for the kinds of key that bring their own (Ed25519).
const EVP_MD* digest_of(const EVP_PKEY* key);

std::string text_of(const X509_NAME* name);  // the common name
void set_common_name(X509_NAME* name, std::string_view common_name);

}  // namespace hivemind::x509

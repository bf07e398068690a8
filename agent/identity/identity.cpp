#include "agent/identity/identity.h"

#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/ids.h"

namespace hivemind::agent {
namespace {

using nlohmann::json;

constexpr std::string_view kTimes = "# hivemind: issued ";
constexpr std::string_view kReceived = " received ";

std::string_view take_number(std::string_view text, std::int64_t& number) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{})
    throw Error(ErrorCode::kCorrupt, "its first line does not say when it was issued");
  return text.substr(static_cast<std::size_t>(end - text.data()));
}

// "# hivemind: issued 1764428400 received 1764428401"
void read_times(std::string_view text, Credential& credential) {
  if (!text.starts_with(kTimes))
    throw Error(ErrorCode::kCorrupt, "its first line does not say when it was issued");
  text = take_number(text.substr(kTimes.size()), credential.issued_at_s);
  if (!text.starts_with(kReceived))
    throw Error(ErrorCode::kCorrupt, "its first line does not say when it was received");
  take_number(text.substr(kReceived.size()), credential.received_at_s);
}

}  // namespace

Enrolment Enrolment::parse(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  const auto word = [&](const char* key) {
    const bool is_there = document.is_object() && document.contains(key) && document[key].is_string();
    if (!is_there) throw Error(ErrorCode::kCorrupt, "it has no text '{}'", key);
    return document[key].get<std::string>();
  };
  Enrolment enrolment{word("node"), word("hub"), word("broker")};
  if (!is_node_id(enrolment.node)) throw Error(ErrorCode::kCorrupt, "'{}' is no node id", enrolment.node);
  return enrolment;
}

std::string Enrolment::text() const {
  return nlohmann::ordered_json{{"node", node}, {"hub", hub}, {"broker", broker}}.dump(2) + "\n";
}

Credential Credential::parse(std::string_view pem) {
  try {
    const std::size_t chain = pem.find("-----BEGIN CERTIFICATE");
    Credential credential{x509::PrivateKey::parse(pem),
                          chain == std::string_view::npos ? "" : std::string(pem.substr(chain))};
    read_times(pem, credential);
    if (credential.certificate().public_key() != credential.key.public_key())
      throw Error(ErrorCode::kCorrupt, "its certificate is for another key");
    return credential;
  } catch (const Error& error) {
    throw Error(ErrorCode::kCorrupt, error.what());
  }
}

std::string Credential::text() const {
  return fmt::format("{}{}{}{}\n", kTimes, issued_at_s, kReceived, received_at_s) + key.pem() + chain;
}

CertificateLife Credential::life() const {
  return {issued_at_s, certificate().not_after().time_since_epoch().count(), received_at_s};
}

std::string why_unfit(const std::string& chain, const x509::PublicKey& key, const std::string& node,
                      const x509::Certificate& ca) {
  try {
    const x509::Certificate certificate = x509::Certificate::parse(chain);
    if (certificate.public_key() != key) return "the certificate is for another key";
    if (certificate.common_name() != node)
      return fmt::format("the certificate is for '{}', not for '{}'", certificate.common_name(), node);
    // In its last second, whatever the time is now.
    return x509::why_untrusted(certificate, ca, x509::Purpose::kClient,
                               certificate.not_after() - std::chrono::seconds(1))
        .value_or("");
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace hivemind::agent

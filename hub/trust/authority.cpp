#include "hub/trust/authority.h"

#include <algorithm>
#include <array>
#include <optional>

#include <arpa/inet.h>
#include <unistd.h>

#include "common/defaults.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"

namespace hivemind::hub {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using x509::Certificate;
using x509::PrivateKey;
using x509::Profile;
using x509::Purpose;
using x509::sys_seconds;

constexpr const char* kKeyFile = "ca.key";
constexpr auto kServerLife = days(397);  // what browsers take at most
constexpr auto kTakeoverLife = minutes(5);
constexpr std::size_t kNameBytes = 4;

bool is_address(const std::string& host) {
  std::array<unsigned char, 16> bytes{};
  return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

bool is_any(const std::string& host) {
  return host.empty() || host == "*" || host == "0.0.0.0" || host == "::";
}

bool is_dns_name(const std::string& host) {
  return host.size() <= 253 &&
         host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") ==
             host.npos;
}

// As inet_ntop writes it, so that it compares with what stands in a certificate.
std::string plain_address(const std::string& host) {
  std::array<unsigned char, 16> bytes{};
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ? AF_INET : AF_INET6;
  if (family == AF_INET6) inet_pton(AF_INET6, host.c_str(), bytes.data());
  return inet_ntop(family, bytes.data(), text.data(), text.size());
}

void sort_each_once(std::vector<std::string>& texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
}

Certificate authority_of(const std::filesystem::path& file, const PrivateKey& key) {
  Certificate certificate = Certificate::parse(read_file(file));
  if (!certificate.has_purpose(Purpose::kAuthority)) {
    throw Error(ErrorCode::kInvalid, "'{}' is no certificate of an authority (it may not sign others)",
                file.string());
  }
  if (!(certificate.public_key() == key.public_key()))
    throw Error(ErrorCode::kInvalid, "'{}' belongs to another key", file.string());
  return certificate;
}

void write_when_other(const std::filesystem::path& file, const std::string& content, mode_t mode) {
  std::error_code failure;
  if (std::filesystem::exists(file, failure) && read_file(file) == content) return;
  write_file_durably(file, content, mode);
}

// Throws kUnavailable when that cannot be found out: a key that is only out of sight must not be made anew.
bool is_there(const std::filesystem::path& file) {
  std::error_code failure;
  const bool found = std::filesystem::exists(file, failure);
  if (!failure) return found;
  throw Error(ErrorCode::kUnavailable, "'{}' cannot be looked at: {}", file.string(), failure.message());
}

// A third of its life is left at most. Not when it ends with its authority: a new one would not last longer.
// (Since when it has been in use does not stand in it: it is valid from kNotBefore on.)
bool is_due(const Certificate& certificate, const Certificate& authority, sys_seconds now) {
  if (certificate.not_after() >= authority.not_after()) return false;
  return now >= certificate.not_after() - std::chrono::seconds(kServerLife) / 3;
}

}  // namespace

std::string machine_name() {
  std::array<char, 256> name{};
  const bool has_name = ::gethostname(name.data(), name.size() - 1) == 0 && is_dns_name(name.data());
  return has_name ? name.data() : "";
}

ServerNames server_names(const std::vector<std::string>& hosts) {
  ServerNames names{{defaults::kHubName, "localhost"}, {"127.0.0.1", "::1"}};
  if (const std::string machine = machine_name(); !machine.empty()) names.dns.push_back(machine);
  for (const std::string& host : hosts) {
    if (is_any(host)) continue;
    if (is_address(host)) {
      names.addresses.push_back(plain_address(host));
    } else if (is_dns_name(host)) {
      names.dns.push_back(host);
    } else {
      throw Error(ErrorCode::kInvalid, "'{}' is neither a host name nor an address", host);
    }
  }
  sort_each_once(names.dns);
  sort_each_once(names.addresses);
  return names;
}

Authority Authority::load_or_create(const std::filesystem::path& directory, const Given& given) {
  const bool is_given = !given.certificate.empty() || !given.key.empty();
  if (is_given && (given.certificate.empty() || given.key.empty())) {
    throw Error(ErrorCode::kInvalid,
                "an authority is given by its certificate and its key (the other one is missing)");
  }
  Authority authority = is_given ? take(given) : own(directory);
  write_when_other(directory / defaults::kAuthorityFile, authority.anchor_pem(), 0644);
  return authority;
}

Authority Authority::take(const Given& given) {
  PrivateKey key = PrivateKey::load(given.key);
  Certificate certificate = authority_of(given.certificate, key);
  std::string intermediates;
  for (const Certificate& each : Certificate::parse_all(read_file(given.certificate)))
    if (!each.is_self_signed()) intermediates += each.pem();
  return {std::move(certificate), std::move(key), std::move(intermediates)};
}

// The key is written first: after a crash between the two, the certificate is made of the key that is there.
Authority Authority::own(const std::filesystem::path& directory) {
  const std::filesystem::path key_file = directory / kKeyFile;
  const std::filesystem::path file = directory / defaults::kAuthorityFile;
  const bool has_certificate = is_there(file);
  if (!is_there(key_file)) {
    if (has_certificate) {
      throw Error(
          ErrorCode::kNotFound,
          "the key of '{}' is gone (restore '{}', or give the authority with --ca-cert and --ca-key as "
          "before; without the key, remove '{}', and every node must enrol again)",
          file.string(), key_file.string(), file.string());
    }
    write_file_durably(key_file, PrivateKey::generate().pem(), 0600);
  }
  PrivateKey key = PrivateKey::load(key_file);
  if (has_certificate) {
    Certificate certificate = authority_of(file, key);
    return {std::move(certificate), std::move(key), ""};
  }
  Certificate certificate = x509::self_sign(
      key, {"hivemind CA " + random_hex(kNameBytes), Purpose::kAuthority, {}, {}, x509::kNever});
  return {std::move(certificate), std::move(key), ""};
}

Certificate Authority::issue_node(const x509::PublicKey& key, const std::string& node,
                                  sys_seconds not_after) const {
  return x509::issue(certificate_, key_, key,
                     {node, Purpose::kClient, {}, {}, std::min(not_after, certificate_.not_after())});
}

std::string Authority::chain(const Certificate& certificate) const {
  return certificate.pem() + intermediates_;
}

KeyPair Authority::issue(Profile profile) const {
  const PrivateKey key = PrivateKey::generate();
  profile.not_after = std::min(profile.not_after, certificate_.not_after());
  return {key.pem(), chain(x509::issue(certificate_, key_, key.public_key(), profile))};
}

KeyPair Authority::issue_server(const ServerNames& names, sys_seconds not_after) const {
  return issue({defaults::kHubName, Purpose::kServer, names.dns, names.addresses, not_after});
}

KeyPair Authority::issue_broker(ServerNames names, sys_seconds not_after) const {
  std::ranges::replace(names.dns, std::string(defaults::kHubName), std::string(kBrokerName));
  return issue({kBrokerName, Purpose::kServer, names.dns, names.addresses, not_after});
}

KeyPair Authority::issue_hub_client(sys_seconds not_after) const {
  return issue({kHubClientName, Purpose::kClient, {}, {}, not_after});
}

KeyPair Authority::issue_takeover(const std::string& node, sys_seconds now) const {
  return issue({node, Purpose::kClient, {}, {}, now + kTakeoverLife});
}

KeyPair Authority::keep_server(const std::filesystem::path& file, const ServerNames& names,
                               sys_seconds now) const {
  return keep(file, {defaults::kHubName, Purpose::kServer, names.dns, names.addresses, now + kServerLife},
              now);
}

KeyPair Authority::keep_hub_client(const std::filesystem::path& file, sys_seconds now) const {
  return keep(file, {kHubClientName, Purpose::kClient, {}, {}, now + kServerLife}, now);
}

KeyPair Authority::keep(const std::filesystem::path& file, const Profile& profile, sys_seconds now) const {
  try {
    const PrivateKey key = PrivateKey::load(file);
    const Certificate certificate = Certificate::parse(read_file(file));
    const bool fits =
        certificate.is_issued_by(certificate_) && certificate.public_key() == key.public_key() &&
        certificate.has_purpose(profile.purpose) && certificate.common_name() == profile.common_name &&
        certificate.dns_names() == profile.dns_names && certificate.ip_addresses() == profile.ip_addresses;
    if (fits && !is_due(certificate, certificate_, now)) return {key.pem(), chain(certificate)};
  } catch (const Error&) {
    // Not there, damaged, or readable by others: it is ours to make or to replace.
  }
  KeyPair pair = issue(profile);
  write_file_durably(file, pair.pem(), 0600);
  return pair;
}

std::string Authority::revocation_list(const std::vector<std::string>& serials, std::int64_t number) const {
  return x509::revocation_list(certificate_, key_, serials, number);
}

}  // namespace hivemind::hub

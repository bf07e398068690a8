#include "hub/broker/credentials.h"

#include <utility>

#include <sys/stat.h>

#include "common/digest.h"
#include "common/error.h"
#include "common/file.h"
#include "hub/broker/configuration.h"

namespace hivemind::hub {
namespace {

constexpr const char* kTakeover = "takeover-";
constexpr std::size_t kNameBytes = 4;

void make_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!error && ::chmod(directory.c_str(), 0700) == 0) return;
  throw Error(ErrorCode::kUnavailable, "directory '{}' cannot be made: {}", directory.string(),
              error ? error.message() : "no right");
}

// Empty: there is none.
std::string content_of(const std::filesystem::path& file) {
  std::error_code failure;
  const bool is_missing = !std::filesystem::exists(file, failure) && !failure;
  return is_missing ? std::string() : read_file(file);
}

// False: it holds that already.
bool write(const std::filesystem::path& file, const std::string& content) {
  if (content_of(file) == content) return false;
  write_file_durably(file, content, 0600);
  return true;
}

}  // namespace

BrokerCredentials::BrokerCredentials(const Authority& authority, std::filesystem::path directory,
                                     ServerNames names)
    : authority_(authority),
      directory_(std::filesystem::absolute(directory).lexically_normal()),
      names_(std::move(names)) {
  make_directory(directory_);
  // What a hub that was killed has left.
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    std::error_code ignored;
    if (entry.path().filename().string().starts_with(kTakeover)) std::filesystem::remove(entry, ignored);
  }
}

BrokerCredentials::Renewed BrokerCredentials::renew(x509::sys_seconds now) {
  const BrokerTlsFiles files = broker_files();
  const std::string server = content_of(files.server);
  const std::string client = content_of(client_file());
  Renewed renewed;
  renewed.server = write(files.ca, authority_.anchor_pem());
  renewed.server = write(files.acl, access_control()) || renewed.server;
  authority_.keep_server(files.server, names_, now);
  authority_.keep_hub_client(client_file(), now);
  renewed.server = renewed.server || content_of(files.server) != server;
  renewed.client = content_of(client_file()) != client;
  return renewed;
}

bool BrokerCredentials::revoke(const std::string& list) {
  const std::filesystem::path file = broker_files().revocations;
  if (says_the_same(content_of(file), list)) return false;
  write_file_durably(file, list, 0600);
  return true;
}

// By the serials: what is signed twice has two signatures.
bool BrokerCredentials::says_the_same(const std::string& written, const std::string& list) const {
  const x509::Certificate& signer = authority_.certificate();
  try {
    return x509::revoked_serials(signer, written) == x509::revoked_serials(signer, list);
  } catch (const Error&) {
    return false;  // not there, damaged, or another authority's
  }
}

std::optional<std::filesystem::path> BrokerCredentials::missing() const {
  const BrokerTlsFiles files = broker_files();
  for (const auto& file : {files.ca, files.server, files.revocations, files.acl, client_file()}) {
    std::error_code failure;
    if (!std::filesystem::exists(file, failure)) return file;
  }
  return std::nullopt;
}

std::filesystem::path BrokerCredentials::make_takeover(const std::string& node, x509::sys_seconds now) const {
  const std::filesystem::path file = directory_ / (kTakeover + node + "-" + random_hex(kNameBytes) + ".pem");
  write_file_durably(file, authority_.issue_takeover(node, now).pem(), 0600);
  return file;
}

BrokerTlsFiles BrokerCredentials::broker_files() const {
  return {ca_file(), directory_ / "server.pem", directory_ / "revoked.pem", directory_ / "acl"};
}

}  // namespace hivemind::hub

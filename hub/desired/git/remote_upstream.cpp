#include "hub/desired/git/remote_upstream.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include <unistd.h>

#include "common/file.h"
#include "hub/desired/git/known_hosts.h"

namespace hivemind::hub::git {
namespace {

std::string read_password(const RemoteOptions& options, const RemoteUrl& url) {
  if (options.password_file.empty()) return url.password;
  try {
    std::string password = read_file(options.password_file);
    password.erase(password.find_last_not_of("\r\n") + 1);
    return password;
  } catch (const Error& error) {
    throw Error(ErrorCode::kDenied, "git password: {}", error.what());
  }
}

std::filesystem::path known_hosts_file(const RemoteOptions& options) {
  if (!options.known_hosts.empty()) return options.known_hosts;
  const char* const home = std::getenv("HOME");
  return std::filesystem::path(home == nullptr ? "/root" : home) / ".ssh" / "known_hosts";
}

}  // namespace

RemoteUpstream::RemoteUpstream(git_repository* mirror, RemoteUrl url, const RemoteOptions& options,
                               Watch& watch)
    : mirror_(mirror), url_(std::move(url)), options_(options), watch_(watch) {
  password_ = read_password(options_, url_);
  // Without a name, so that libgit2 writes no line of configuration. The user's url.*.insteadOf is not for
  // the hub, and looking for it leaks 100 KB a fetch in Debian 12 (libgit2 1.5 with PCRE2: match data of
  // expressions that do not match).
  git_remote_create_options creation = GIT_REMOTE_CREATE_OPTIONS_INIT;
  creation.repository = mirror_;
  creation.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF | GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC;
  git_remote* remote = nullptr;
  const int result = git_remote_create_with_opts(&remote, url_.plain.c_str(), &creation);
  if (result < 0) fail(result);
  remote_.reset(remote);
  connect();
}

RemoteUpstream::~RemoteUpstream() {
  if (remote_) git_remote_disconnect(remote_.get());
}

template <typename Call>
int RemoteUpstream::guarded(Call call) noexcept {
  try {
    call();
    return 0;
  } catch (const Error& error) {
    refused_ = error;
  } catch (const std::exception& error) {
    refused_ = Error(ErrorCode::kInternal, error.what());
  }
  return GIT_EAUTH;  // nothing that libgit2 would try again
}

git_remote_callbacks RemoteUpstream::callbacks() {
  git_remote_callbacks callbacks = GIT_REMOTE_CALLBACKS_INIT;
  callbacks.payload = this;
  callbacks.credentials = [](git_credential** out, const char*, const char* user, unsigned allowed,
                             void* self) {
    auto* const upstream = static_cast<RemoteUpstream*>(self);
    return upstream->guarded([&] { upstream->give_credential(out, allowed, user); });
  };
  callbacks.certificate_check = [](git_cert* certificate, int, const char* host, void* self) -> int {
    if (certificate->cert_type != GIT_CERT_HOSTKEY_LIBSSH2)
      return GIT_PASSTHROUGH;  // TLS: libgit2's own verdict
    auto* const upstream = static_cast<RemoteUpstream*>(self);
    return upstream->guarded([&] { upstream->check_certificate(certificate, host); });
  };
  callbacks.sideband_progress = [](const char*, int, void* self) {
    auto* const upstream = static_cast<RemoteUpstream*>(self);
    return upstream->guarded([&] { upstream->watch_.progress(); });
  };
  callbacks.transfer_progress = [](const git_indexer_progress* progress, void* self) {
    auto* const upstream = static_cast<RemoteUpstream*>(self);
    return upstream->guarded([&] { upstream->watch_.progress(progress->received_bytes); });
  };
  return callbacks;
}

void RemoteUpstream::connect() {
  git_remote_connect_options options = GIT_REMOTE_CONNECT_OPTIONS_INIT;
  options.callbacks = callbacks();
  options.proxy_opts.type = GIT_PROXY_AUTO;
  // With a password, no redirect to another host is followed (libgit2 means those): it would be given the
  // password.
  options.follow_redirects = password_.empty() ? GIT_REMOTE_REDIRECT_INITIAL : GIT_REMOTE_REDIRECT_NONE;
  const int result = git_remote_connect_ext(remote_.get(), GIT_DIRECTION_FETCH, &options);
  if (result < 0) fail(result);
}

git_oid RemoteUpstream::tip(const std::string& branch) const {
  constexpr std::string_view kHeads = "refs/heads/";
  const git_remote_head** heads = nullptr;
  std::size_t count = 0;
  // libgit2's remote is not const for a look at what it has already read.
  if (const int result = git_remote_ls(&heads, &count, remote_.get()); result < 0) fail(result);
  std::vector<std::string> branches;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view name = heads[i]->name;
    if (!name.starts_with(kHeads)) continue;
    if (name.substr(kHeads.size()) == branch) return heads[i]->oid;
    branches.emplace_back(name.substr(kHeads.size()));
  }
  fail_without_branch(url_, branch, std::move(branches));
}

void RemoteUpstream::download(const std::string& branch, const git_oid&) {
  git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
  options.callbacks = callbacks();
  options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
  options.update_fetchhead = 0;  // FETCH_HEAD would hold the address
  options.prune = GIT_FETCH_NO_PRUNE;
  options.proxy_opts.type = GIT_PROXY_AUTO;
  std::string refspec = "+refs/heads/" + branch + ":refs/hivemind/fetched";
  char* specs[] = {refspec.data()};
  const git_strarray list{specs, 1};
  const int result = git_remote_download(remote_.get(), &list, &options);
  if (result < 0) fail(result);
}

std::string RemoteUpstream::user(const char* user_in_url) const {
  if (!url_.user.empty()) return url_.user;
  if (!options_.username.empty()) return options_.username;
  return user_in_url != nullptr && *user_in_url != '\0' ? user_in_url : "git";
}

void RemoteUpstream::give_credential(git_credential** out, unsigned allowed, const char* user_in_url) {
  watch_.progress();
  const bool ssh = url_.transport == RemoteUrl::Transport::kSsh;
  const std::string name = user(user_in_url);
  const unsigned left = allowed & ~given_;
  if ((left & GIT_CREDENTIAL_USERNAME) != 0) {
    given_ |= GIT_CREDENTIAL_USERNAME;
    check(git_credential_username_new(out, name.c_str()), "git user");
  } else if (ssh && (left & GIT_CREDENTIAL_SSH_KEY) != 0 &&
             (password_.empty() || !options_.ssh_key.empty())) {
    given_ |= GIT_CREDENTIAL_SSH_KEY;
    give_ssh_key(out, name);
  } else if ((left & GIT_CREDENTIAL_USERPASS_PLAINTEXT) != 0 && !password_.empty()) {
    given_ |= GIT_CREDENTIAL_USERPASS_PLAINTEXT;
    check(git_credential_userpass_plaintext_new(out, name.c_str(), password_.c_str()), "git password");
  } else if ((given_ & ~static_cast<unsigned>(GIT_CREDENTIAL_USERNAME)) != 0) {
    throw Error(ErrorCode::kDenied, "authentication failed for user '{}' (check git.{})", name,
                ssh ? "ssh_key and the keys that the server accepts" : "username and git.password_file");
  } else {
    throw Error(ErrorCode::kDenied, "authentication is needed (set git.{})",
                ssh ? "ssh_key" : "username and git.password_file");
  }
}

void RemoteUpstream::give_ssh_key(git_credential** out, const std::string& name) {
  if (options_.ssh_key.empty()) {
    if (std::getenv("SSH_AUTH_SOCK") == nullptr) {
      throw Error(ErrorCode::kDenied, "authentication is needed (set git.ssh_key)");
    }
    return check(git_credential_ssh_key_from_agent(out, name.c_str()), "ssh agent");
  }
  if (::access(options_.ssh_key.c_str(), R_OK) != 0) {
    throw Error(ErrorCode::kDenied, "ssh key '{}' cannot be read: {}", options_.ssh_key.string(),
                std::strerror(errno));
  }
  const std::string beside = options_.ssh_key.string() + ".pub";
  const char* const public_key = ::access(beside.c_str(), R_OK) == 0 ? beside.c_str() : nullptr;
  const char* const passphrase = password_.empty() ? nullptr : password_.c_str();
  check(git_credential_ssh_key_new(out, name.c_str(), public_key, options_.ssh_key.c_str(), passphrase),
        "ssh key");
}

void RemoteUpstream::check_certificate(git_cert* certificate, const char* host) {
  watch_.progress();
  const auto* const seen = reinterpret_cast<const git_cert_hostkey*>(certificate);
  if ((seen->type & GIT_CERT_SSH_RAW) == 0) {
    throw Error(ErrorCode::kDenied, "ssh host '{}' showed a key that cannot be read", host);
  }
  require_known_host(known_hosts_file(options_), {url_.host, url_.port, {seen->hostkey, seen->hostkey_len}});
}

void RemoteUpstream::fail(int result) const {
  const Failure last = failure(result);
  const std::string context = fmt::format("git remote '{}'", url_.shown);
  try {
    if (refused_) throw *refused_;
    watch_.explain_failure();
  } catch (const Error& error) {
    throw error.within(context);
  }
  // What is corrupt or makes no sense came from the other side. That the mirror is damaged shows when it is
  // read.
  const bool theirs = last.code == ErrorCode::kInternal || last.code == ErrorCode::kCorrupt;
  throw Error(theirs ? ErrorCode::kUnavailable : last.code, "{}: {}", context, last.words);
}

}  // namespace hivemind::hub::git

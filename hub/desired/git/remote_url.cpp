#include "hub/desired/git/remote_url.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>

#include "common/error.h"
#include "hub/desired/git/mirror.h"

namespace hivemind::hub::git {
namespace {

constexpr std::string_view kForms = "file://, a path, http(s)://, ssh:// or user@host:path";

struct Parts {
  std::string scheme;
  std::string user_info;
  std::string host_and_port;
  std::string rest;  // path, query, fragment
};

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool port_is_number(std::string_view authority) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  return colon == std::string_view::npos || all_digits(authority.substr(colon + 1));
}

// Where the user's part ends: the last '@' of the authority. A password with a bare '/', '?' or '#' makes the
// authority end early, inside the password; then what follows "user:" is no port, and the last '@' of all is
// taken.
std::size_t end_of_user_info(std::string_view after_scheme) {
  const std::string_view authority = after_scheme.substr(0, after_scheme.find_first_of("/?#"));
  const std::size_t at = authority.rfind('@');
  if (at != std::string_view::npos || port_is_number(authority)) return at;
  return after_scheme.rfind('@');
}

std::optional<Parts> split(const std::string& url) {
  const std::size_t colon = url.find("://");
  if (colon == std::string::npos) return std::nullopt;
  Parts parts;
  parts.scheme = url.substr(0, colon);
  std::transform(parts.scheme.begin(), parts.scheme.end(), parts.scheme.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  std::string_view after = std::string_view(url).substr(colon + 3);
  if (const std::size_t at = end_of_user_info(after); at != std::string_view::npos) {
    parts.user_info = after.substr(0, at);
    after.remove_prefix(at + 1);
  }
  const std::size_t end = std::min(after.find_first_of("/?#"), after.size());
  parts.host_and_port = after.substr(0, end);
  parts.rest = after.substr(end);
  return parts;
}

// "host:path" as scp and git take it: a colon before any slash, and no such file here.
std::size_t scp_colon(const std::string& url) {
  const std::size_t at = url.rfind('@', std::min(url.find('/'), url.size()));
  std::size_t from = at == std::string::npos ? 0 : at + 1;
  if (from < url.size() && url[from] == '[') from = std::min(url.find(']', from), url.size());
  const std::size_t colon = url.find(':', from);
  if (colon == std::string::npos || url.find('/', from) < colon) return std::string::npos;
  return colon;
}

[[noreturn]] void refuse(const std::string& url, std::string_view why) {
  throw Error(ErrorCode::kInvalid, "git url '{}' {}", redacted(url), why);
}

std::string decoded(const std::string& url, std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    unsigned value = 0;
    const char* const from = text.data() + i + 1;
    if (i + 2 >= text.size() || std::from_chars(from, from + 2, value, 16).ptr != from + 2) {
      refuse(url,
             "has a '%' in its user or password that is not followed by two hex digits (write it as %25)");
    }
    result += static_cast<char>(value);
    i += 2;
  }
  return result;
}

void read_host(const std::string& url, std::string_view authority, RemoteUrl& result) {
  if (!port_is_number(authority)) {
    refuse(
        url,
        "has a port that is no number (write '/', '?', '#' and '@' of a password as %2F, %3F, %23 and %40)");
  }
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  std::string_view host = authority.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) refuse(url, "names no host");
  result.host = host;
  if (colon == std::string_view::npos || colon + 1 == authority.size()) return;
  std::from_chars(authority.data() + colon + 1, authority.data() + authority.size(), result.port);
  if (result.port < 1 || result.port > 65535) refuse(url, "has a port that is not between 1 and 65535");
}

void read_user_info(const std::string& url, std::string_view user_info, RemoteUrl& result) {
  const std::size_t colon = user_info.find(':');
  result.user = decoded(url, user_info.substr(0, colon));
  if (colon != std::string_view::npos) result.password = decoded(url, user_info.substr(colon + 1));
}

void read_scp(const std::string& url, std::size_t colon, RemoteUrl& result) {
  const std::string authority = url.substr(0, colon);
  const std::size_t at = authority.rfind('@');
  if (at != std::string::npos) result.user = authority.substr(0, at);
  result.transport = RemoteUrl::Transport::kSsh;
  result.host = at == std::string::npos ? authority : authority.substr(at + 1);
  if (result.host.starts_with('[') && result.host.ends_with(']')) {
    result.host = result.host.substr(1, result.host.size() - 2);
  }
  if (result.host.empty()) refuse(url, "names no host");
  result.plain = url;
}

void read_path(const std::string& url, const std::string& path, RemoteUrl& result) {
  if (path.empty()) refuse(url, "names no repository");
  result.transport = RemoteUrl::Transport::kLocal;
  result.plain = std::filesystem::absolute(path).string();
}

void read_parts(const std::string& url, const Parts& parts, RemoteUrl& result) {
  if (parts.scheme == "file") {
    if (!parts.host_and_port.empty() && parts.host_and_port != "localhost") {
      refuse(url, "names a host (a local one has three slashes: file:///srv/fleet.git)");
    }
    return read_path(url, decoded(url, parts.rest), result);
  }
  const bool http = parts.scheme == "http" || parts.scheme == "https";
  if (!http && parts.scheme != "ssh") refuse(url, fmt::format("is of an unknown kind (one of {})", kForms));
  result.transport = http ? RemoteUrl::Transport::kHttp : RemoteUrl::Transport::kSsh;
  read_host(url, parts.host_and_port, result);
  read_user_info(url, parts.user_info, result);
  // The user of ssh must be in the address: libgit2 would otherwise ask for it first, one more round trip.
  const std::string user =
      http || parts.user_info.empty() ? "" : parts.user_info.substr(0, parts.user_info.find(':')) + "@";
  result.plain = parts.scheme + "://" + user + parts.host_and_port + parts.rest;
}

}  // namespace

RemoteUrl RemoteUrl::parse(const std::string& url) {
  RemoteUrl result;
  result.shown = redacted(url);
  if (url.empty()) refuse(url, fmt::format("is empty (one of {})", kForms));
  if (std::any_of(url.begin(), url.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
    refuse(url, "holds a control character");
  }
  if (const std::optional<Parts> parts = split(url)) {
    read_parts(url, *parts, result);
  } else if (const std::size_t colon = scp_colon(url); colon != std::string::npos) {
    read_scp(url, colon, result);
  } else {
    read_path(url, url, result);
  }
  return result;
}

std::string redacted(const std::string& url) {
  if (const std::optional<Parts> parts = split(url)) {
    const std::string& rest = parts->rest;
    return parts->scheme + "://" + parts->host_and_port + rest.substr(0, rest.find_first_of("?#"));
  }
  if (scp_colon(url) == std::string::npos) return url;
  const std::size_t at = url.rfind('@', std::min(url.find('/'), url.size()));
  return at == std::string::npos ? url : url.substr(at + 1);
}

}  // namespace hivemind::hub::git

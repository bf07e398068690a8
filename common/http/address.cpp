#include <algorithm>
#include <charconv>

#include "common/error.h"
#include "common/http/client.h"

namespace hivemind::http {

namespace {

constexpr std::size_t kMaxUnixPath = 107;  // sun_path of Linux, less its terminator

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

[[noreturn]] void reject(std::string_view url, std::string_view why) {
  throw Error(ErrorCode::kInvalid,
              "address '{}': {} (expected 'unix:///PATH', 'tcp://HOST:PORT', 'http://HOST:PORT' or "
              "'https://HOST:PORT')",
              url, why);
}

bool is_port(std::string_view text) {
  unsigned value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc() && end == text.data() + text.size() && value > 0 && value < 65536;
}

bool is_host(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' || c == ':' || c == '%';
  });
}

Address parse_unix(std::string_view url, std::string_view path) {
  if (!path.starts_with('/') || path.find('\0') != std::string_view::npos)
    reject(url, "the path of the socket is not absolute");
  if (path.size() > kMaxUnixPath) {
    reject(url, fmt::format("the path of the socket has {} bytes, {} at most are possible", path.size(),
                            kMaxUnixPath));
  }
  return {"localhost", "", std::string(path), false};
}

// "HOST", "HOST:PORT", "[V6]" or "[V6]:PORT".
Address parse_authority(std::string_view url, std::string_view authority, std::string_view default_port) {
  if (authority.ends_with('/')) authority.remove_suffix(1);
  std::string_view host = authority;
  std::string_view rest;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) reject(url, "']' is missing");
    host = authority.substr(1, close - 1);
    rest = authority.substr(close + 1);
  } else if (const auto colon = authority.find(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    rest = authority.substr(colon);
  }
  const bool has_port = take_prefix(rest, ":");
  if (!has_port && !rest.empty()) reject(url, "what follows ']' is no port");
  const std::string_view port = has_port ? rest : default_port;
  if (!is_host(host)) reject(url, fmt::format("'{}' is no host", host));
  if (!is_port(port)) reject(url, fmt::format("'{}' is no port", port));
  return {std::string(host), std::string(port), "", false};
}

}  // namespace

Address Address::parse(std::string_view url) {
  std::string_view rest = url;
  if (take_prefix(rest, "unix://")) return parse_unix(url, rest);
  if (take_prefix(rest, "http://")) return parse_authority(url, rest, "80");
  if (take_prefix(rest, "https://")) {
    Address address = parse_authority(url, rest, "443");
    address.is_tls = true;
    return address;
  }
  if (take_prefix(rest, "tcp://")) return parse_authority(url, rest, "2375");
  reject(url, "the scheme is not supported");
}

std::string Address::text() const {
  if (!unix_path.empty()) return "unix://" + unix_path;
  const bool is_v6 = host.find(':') != std::string::npos;
  const std::string_view scheme = is_tls ? "https" : "tcp";
  return is_v6 ? fmt::format("{}://[{}]:{}", scheme, host, port)
               : fmt::format("{}://{}:{}", scheme, host, port);
}

}  // namespace hivemind::http

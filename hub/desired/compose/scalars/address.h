#pragma once

#include <string>
#include <string_view>

namespace hivemind::hub::compose {

// An IPv6 address may stand in brackets where a colon follows; the engine wants none.
inline std::string without_brackets(std::string_view ip) {
  if (ip.size() > 2 && ip.front() == '[' && ip.back() == ']') ip = ip.substr(1, ip.size() - 2);
  return std::string(ip);
}

// "10.0.0.1" or "fd00::1", without brackets.
bool is_ipv4_address(const std::string& text);
bool is_ipv6_address(const std::string& text);

// "02:42:ac:11:00:02", or with '-'.
bool is_mac_address(std::string_view text);

}  // namespace hivemind::hub::compose

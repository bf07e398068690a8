#pragma once

#include <string>
#include <string_view>

namespace hivemind::hub::compose {

// An IPv6 address may stand in brackets where a colon follows; the engine wants none.
inline std::string without_brackets(std::string_view ip) {
  if (ip.size() > 2 && ip.front() == '[' && ip.back() == ']') ip = ip.substr(1, ip.size() - 2);
  return std::string(ip);
}

}  // namespace hivemind::hub::compose

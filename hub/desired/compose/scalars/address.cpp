#include "hub/desired/compose/scalars/address.h"

#include <cctype>

#include <arpa/inet.h>

namespace hivemind::hub::compose {
namespace {

bool is_address(int family, const std::string& text) {
  unsigned char bytes[sizeof(in6_addr)];
  return text.find('\0') == std::string::npos && inet_pton(family, text.c_str(), bytes) == 1;
}

}  // namespace

bool is_ipv4_address(const std::string& text) {
  return is_address(AF_INET, text);
}

bool is_ipv6_address(const std::string& text) {
  return is_address(AF_INET6, text);
}

bool is_mac_address(std::string_view text) {
  constexpr std::size_t kLength = 17;
  if (text.size() != kLength) return false;
  for (std::size_t i = 0; i < kLength; ++i) {
    const bool separator = i % 3 == 2;
    if (separator ? text[i] != text[2] || (text[i] != ':' && text[i] != '-')
                  : std::isxdigit(static_cast<unsigned char>(text[i])) == 0)
      return false;
  }
  return true;
}

}  // namespace hivemind::hub::compose

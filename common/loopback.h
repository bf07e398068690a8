#pragma once

#include <string_view>

namespace hivemind {

// Whether the host is this machine for certain: 'localhost', 127.0.0.0/8 or ::1, the latter with or without
// brackets. Without a port. Any other name is not, whatever it resolves to, nor what only begins like such an
// address.
bool is_loopback(std::string_view host);

}  // namespace hivemind

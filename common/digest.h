#pragma once

#include <string>
#include <string_view>

namespace hivemind {

// SHA-256 of the bytes as 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);

std::string to_hex(std::string_view bytes);

std::string to_base64(std::string_view bytes);

// Throws kInvalid for anything that is not standard, padded Base64.
std::string from_base64(std::string_view text);

// So many bytes from the system's random source, as hex: twice as many characters.
std::string random_hex(std::size_t bytes);

}  // namespace hivemind

#pragma once

#include <string>
#include <string_view>

namespace hivemind {

// SHA-256 of the bytes as 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);

// Whether they are the same, in a time that tells nothing of where they differ. It may tell the lengths,
// which are no secret of digests.
bool same_bytes(std::string_view one, std::string_view other);

std::string to_hex(std::string_view bytes);

// Throws kInvalid for anything that is not pairs of hex digits.
std::string from_hex(std::string_view text);

std::string to_base64(std::string_view bytes);

// Throws kInvalid for anything that is not standard, padded Base64.
std::string from_base64(std::string_view text);

// So many bytes from the system's random source.
std::string random_bytes(std::size_t bytes);

// Likewise, as hex: twice as many characters.
std::string random_hex(std::size_t bytes);

}  // namespace hivemind

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// Texts of protobuf hold UTF-8, or whoever gets them reads nothing of the whole message.
namespace hivemind::agent {

// How many bytes from there on are one character of UTF-8; 0: none.
std::size_t character_at(std::string_view text, std::size_t at);

// Each byte that is no part of a character becomes "\x" and its two digits.
std::string valid_utf8(std::string_view text);

// At most so many bytes from the front, without a part of a character at the end.
std::string_view front_of(std::string_view text, std::size_t most_bytes);

}  // namespace hivemind::agent

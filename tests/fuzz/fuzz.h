#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

// One input; aborts when what is promised does not hold.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace hivemind::tests {

// What mutations start from.
std::span<const std::string_view> fuzz_seeds();

// Ends the program with the message when it is not so.
inline void require(bool holds, const char* message) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", message);
  std::abort();
}

}  // namespace hivemind::tests

#pragma once

// Catch2 is 2.13 on Debian 12 and 3.x on Debian 13 and Ubuntu 24.04.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
namespace hivemind::tests {
using Catch::Matchers::ContainsSubstring;
}
#else
#include <catch2/catch.hpp>
namespace hivemind::tests {
inline auto ContainsSubstring(const std::string& text) {
  return Catch::Matchers::Contains(text);
}
}  // namespace hivemind::tests
#endif

#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace hivemind::hub {

// The secret that an operator's requests carry: 32 random bytes as hex, in a file that only the hub's user
// can read.
class ApiToken {
 public:
  // Reads the token, or makes one (mode 0600). Throws kCorrupt for a file that holds something else, kDenied
  // for one that others can read.
  static ApiToken load_or_create(const std::filesystem::path& file);

  // Takes as long for a nearly right guess as for a wrong one.
  bool matches(std::string_view candidate) const;

 private:
  explicit ApiToken(std::string_view secret);
  std::string digest_;  // of the secret, which is not kept
};

}  // namespace hivemind::hub

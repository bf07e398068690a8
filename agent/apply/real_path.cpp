#include "agent/apply/real_path.h"

#include <system_error>

namespace hivemind::agent {

std::filesystem::path real_path(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::weakly_canonical(path, error);
  return error ? std::filesystem::path() : real;
}

}  // namespace hivemind::agent

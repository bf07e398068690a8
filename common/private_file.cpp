#include "common/private_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"

namespace hivemind {
namespace {

constexpr uid_t kRoot = 0;
constexpr mode_t kAllButOwner = 0077;
// For a service with a user of its own systemd 254 and later leave a credential root's and let the user in by
// an ACL, whose mask stands in the place of the group's rights: 0440.
constexpr mode_t kAllButGroupReading = 0037;

}  // namespace

// Of the file that is open: another one of that name, a moment later, would be another file.
SecretText read_private_file(const std::filesystem::path& file, std::string_view what) {
  const Descriptor fd = open_file(file);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0)
    throw Error(ErrorCode::kUnavailable, "{} '{}' does not say who may read it", what, file.string());
  const bool is_handed_over = status.st_uid == kRoot && ::geteuid() != kRoot;
  const mode_t forbidden = is_handed_over ? kAllButGroupReading : kAllButOwner;
  if ((status.st_mode & forbidden) != 0) {
    throw Error(ErrorCode::kDenied,
                "{} '{}' can be read by others: its mode is {:04o}, expected is {} (chmod {} it)", what,
                file.string(), status.st_mode & 07777u, is_handed_over ? "at most 0640" : "0600",
                is_handed_over ? "640" : "600");
  }
  return SecretText(read_all(fd, file));
}

}  // namespace hivemind

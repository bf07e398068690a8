#include "common/private_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using hivemind::tests::TemporaryDirectory;

namespace {

constexpr uid_t kRoot = 0;
constexpr uid_t kSomebody = 65534;

// What is said against it; empty: it is read.
std::string refusal(const std::filesystem::path& file) {
  try {
    const SecretText content = read_private_file(file, "signing key");
    CHECK(content.text() == "secret");
    return "";
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kDenied);
    return error.what();
  }
}

std::filesystem::path file_of_mode(const TemporaryDirectory& directory, mode_t mode) {
  write_file_durably(directory / "key", "secret", mode);
  return directory / "key";
}

}  // namespace

TEST_CASE("a private file is one that its owner alone has any right to") {
  const TemporaryDirectory directory;
  for (const mode_t mode : {0600u, 0400u, 0700u}) {
    INFO("mode " << mode);
    CHECK(refusal(file_of_mode(directory, mode)).empty());
  }
  for (const mode_t mode : {0640u, 0620u, 0610u, 0604u, 0602u, 0601u, 0644u, 0666u}) {
    INFO("mode " << mode);
    CHECK_FALSE(refusal(file_of_mode(directory, mode)).empty());
  }
  CHECK(refusal(file_of_mode(directory, 0644)) ==
        "signing key '" + (directory / "key").string() +
            "' can be read by others: its mode is 0644, expected is 0600 (chmod 600 it)");
}

TEST_CASE("a file of root's that is handed to another user may be readable for that user's group") {
  if (::geteuid() != kRoot) return;  // nobody else can give a file away
  const TemporaryDirectory directory;
  REQUIRE(::chmod(directory.path().c_str(), 0755) == 0);
  const auto as_somebody = [&](mode_t mode, uid_t owner) {
    const std::filesystem::path file = file_of_mode(directory, mode);
    REQUIRE(::chown(file.c_str(), owner, kSomebody) == 0);
    REQUIRE(::setegid(kSomebody) == 0);
    REQUIRE(::seteuid(kSomebody) == 0);
    std::string said = refusal(file);
    REQUIRE(::seteuid(kRoot) == 0);
    REQUIRE(::setegid(kRoot) == 0);
    return said;
  };
  CHECK(as_somebody(0440, kRoot).empty());
  CHECK(as_somebody(0640, kRoot).empty());
  CHECK_THAT(as_somebody(0660, kRoot), tests::ContainsSubstring("at most 0640 (chmod 640 it)"));
  CHECK_FALSE(as_somebody(0644, kRoot).empty());
  CHECK_FALSE(as_somebody(0640, kSomebody).empty());
}

TEST_CASE("a private file that is not there is told as any other") {
  const TemporaryDirectory directory;
  CHECK_THROWS_WITH(read_private_file(directory / "absent", "signing key"),
                    tests::ContainsSubstring("absent"));
}

#include "common/file.h"

#include <sys/stat.h>

#include "common/error.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using hivemind::tests::TemporaryDirectory;

TEST_CASE("a file written durably reads back, has its mode and leaves nothing beside it") {
  const TemporaryDirectory directory;
  const std::string content = std::string(100'000, 'x') + '\0';
  write_file_durably(directory / "file", "old", 0644);
  write_file_durably(directory / "file", content, 0640);
  CHECK(read_file(directory / "file") == content);
  struct stat status {};
  REQUIRE(::stat((directory / "file").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
  CHECK(std::distance(std::filesystem::directory_iterator(directory.path()), {}) == 1);
}

TEST_CASE("a temporary file that a crash left behind is no obstacle") {
  const TemporaryDirectory directory;
  write_file_durably(directory / "file.new", "half", 0644);
  write_file_durably(directory / "file", "whole", 0644);
  CHECK(read_file(directory / "file") == "whole");
}

TEST_CASE("reading what is not there names the file") {
  const TemporaryDirectory directory;
  try {
    read_file(directory / "absent");
    FAIL("it was read");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kNotFound);
    CHECK_THAT(error.what(), tests::ContainsSubstring("absent"));
  }
}

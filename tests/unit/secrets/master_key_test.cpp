#include "hub/secrets/master_key.h"

#include <filesystem>

#include <sys/stat.h>

#include "common/error.h"
#include "common/file.h"
#include "hub/secrets/secret_keeper.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::hub;

namespace {

std::string why_not(const std::filesystem::path& file, Store& store) {
  try {
    open_master_key(file, store);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the master key is made at the first start, for its owner alone, and is the same after") {
  const tests::TemporaryDirectory directory;
  Store store(directory.path());
  const auto file = directory.path() / "master.key";
  const std::string first = open_master_key(file, store).text();
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(open_master_key(file, store).text() == first);
  CHECK(read_file(file) == first);
}

TEST_CASE("a missing, another, open or broken master key is told, and nothing is lost") {
  const tests::TemporaryDirectory directory;
  Store store(directory.path());
  const auto file = directory.path() / "master.key";
  const std::string good = open_master_key(file, store).text();

  std::filesystem::remove(file);
  CHECK(says(why_not(file, store), "is not there"));
  CHECK_FALSE(std::filesystem::exists(file));

  write_file_durably(file, MasterKey::generate().text(), 0600);
  CHECK(says(why_not(file, store), "is not the one that the hub's secrets are encrypted under"));
  write_file_durably(file, "hivemind-master-key c2hvcnQ=\n", 0600);
  CHECK(says(why_not(file, store), "holds no master key"));
  CHECK_FALSE(says(why_not(file, store), "c2hvcnQ"));

  write_file_durably(file, good, 0600);
  CHECK(why_not(file, store) == "");
  ::chmod(file.c_str(), 0640);
  CHECK(says(why_not(file, store), "can be read by others"));
}

TEST_CASE("the file that is asked for comes before systemd's credential, and that before the directory's") {
  const tests::TemporaryDirectory directory;
  const std::string credentials = directory.path().string();
  CHECK(master_key_file("/etc/key", "/data", credentials.c_str()) == "/etc/key");
  CHECK(master_key_file("", "/data", nullptr) == "/data/master.key");
  CHECK(master_key_file("", "/data", credentials.c_str()) == "/data/master.key");
  write_file_durably(directory.path() / "hivemind-master-key", "x", 0600);
  CHECK(master_key_file("", "/data", credentials.c_str()) == directory.path() / "hivemind-master-key");
}

TEST_CASE("keys for different purposes differ") {
  const MasterKey key = MasterKey::generate();
  using Purpose = MasterKey::Purpose;
  CHECK(key.derive(Purpose::kIds) == key.derive(Purpose::kIds));
  CHECK(key.derive(Purpose::kIds) != key.derive(Purpose::kEncryption));
  CHECK(key.derive(Purpose::kIds) != key.derive(Purpose::kSealing));
}

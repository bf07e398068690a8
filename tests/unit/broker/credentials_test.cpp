#include "hub/broker/credentials.h"

#include "common/error.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::hub {
namespace {

using namespace std::chrono_literals;

constexpr x509::sys_seconds kNow{1'800'000'000s};

struct Fixture {
  tests::TemporaryDirectory directory;
  Authority authority = Authority::load_or_create(directory.path());
  BrokerCredentials credentials{authority, directory / "broker", server_names({})};
  std::filesystem::path list = credentials.broker_files().revocations;
};

TEST_CASE("a list is written when it revokes others than the one that is there") {
  Fixture f;
  CHECK(f.credentials.revoke(f.authority.revocation_list({"0a", "0b"}, 1)));
  const std::string written = read_file(f.list);
  CHECK_FALSE(f.credentials.revoke(f.authority.revocation_list({"0a", "0b"}, 2)));
  CHECK(read_file(f.list) == written);
  CHECK(f.credentials.revoke(f.authority.revocation_list({"0a", "0b", "0c"}, 3)));
  CHECK(f.credentials.revoke(f.authority.revocation_list({"0a"}, 4)));
}

TEST_CASE("a list that is damaged or another authority's is written anew") {
  Fixture f;
  const tests::TemporaryDirectory elsewhere;
  const std::string list = f.authority.revocation_list({"0a"}, 1);
  for (const std::string& text : {std::string("damaged"), std::string(),
                                  Authority::load_or_create(elsewhere.path()).revocation_list({"0a"}, 1)}) {
    write_file_durably(f.list, text, 0600);
    CHECK(f.credentials.revoke(list));
    CHECK(read_file(f.list) == list);
  }
}

TEST_CASE("a file that the system does not show is an error like others") {
  Fixture f;
  std::filesystem::create_symlink("hub.pem", f.credentials.client_file());  // to itself
  CHECK_THROWS_AS(f.credentials.renew(kNow), Error);
}

}  // namespace
}  // namespace hivemind::hub

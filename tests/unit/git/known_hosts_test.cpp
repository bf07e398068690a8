#include "hub/desired/git/known_hosts.h"

#include <fstream>

#include "common/error.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::hub::git {
namespace {

using tests::ContainsSubstring;
using tests::TemporaryDirectory;

// Two ed25519 keys and an RSA one, in the form of the wire (only their types and differences matter here).
const std::string kKey = std::string("\0\0\0\x0bssh-ed25519", 15) + std::string(
                                                                        "\0\0\0\x04"
                                                                        "AAAA",
                                                                        8);
const std::string kOtherKey = std::string("\0\0\0\x0bssh-ed25519", 15) + std::string(
                                                                             "\0\0\0\x04"
                                                                             "BBBB",
                                                                             8);
const std::string kKeyText = "AAAAC3NzaC1lZDI1NTE5AAAABEFBQUE=";
const std::string kOtherText = "AAAAC3NzaC1lZDI1NTE5AAAABEJCQkI=";
const std::string kLine = " ssh-ed25519 " + kKeyText + "\n";

HostKeyMatch match(const std::string& file, const std::string& host = "git.example.com", int port = 22) {
  return match_host_key(file, {host, port, kKey});
}

TEST_CASE("a host with its key is known") {
  CHECK(match("git.example.com" + kLine) == HostKeyMatch::kKnown);
  CHECK(match("GIT.example.com,192.0.2.1" + kLine) == HostKeyMatch::kKnown);
  CHECK(match("# a comment\n\n192.0.2.1,git.example.com ssh-ed25519 " + kKeyText + " a remark\r\n") ==
        HostKeyMatch::kKnown);
  CHECK(match("*.example.com" + kLine) == HostKeyMatch::kKnown);
  CHECK(match("g?t.example.*" + kLine) == HostKeyMatch::kKnown);
  CHECK(match("[git.example.com]:2222" + kLine, "git.example.com", 2222) == HostKeyMatch::kKnown);
}

TEST_CASE("a host that no line names is unknown") {
  CHECK(match("") == HostKeyMatch::kUnknown);
  CHECK(match("example.com" + kLine) == HostKeyMatch::kUnknown);
  CHECK(match("*.example.com,!git.example.com" + kLine) == HostKeyMatch::kUnknown);
  CHECK(match("git.example.com" + kLine, "git.example.com", 2222) == HostKeyMatch::kUnknown);
  CHECK(match("[git.example.com]:2222" + kLine) == HostKeyMatch::kUnknown);
  CHECK(match("@cert-authority git.example.com" + kLine) == HostKeyMatch::kUnknown);
  CHECK(match("git.example.com\ngit.example.com ssh-ed25519\n") == HostKeyMatch::kUnknown);
}

TEST_CASE("another key of the same type means that the key has changed") {
  CHECK(match("git.example.com ssh-ed25519 " + kOtherText) == HostKeyMatch::kChanged);
  CHECK(match("git.example.com ssh-ed25519 no*base64") == HostKeyMatch::kChanged);
  CHECK(match("git.example.com ssh-ed25519 " + kOtherText + "\ngit.example.com" + kLine) ==
        HostKeyMatch::kKnown);
}

TEST_CASE("a host that is known by a key of another type is told apart") {
  CHECK(match("git.example.com ssh-rsa " + kOtherText) == HostKeyMatch::kOtherType);
}

TEST_CASE("a revoked key is refused, whatever other lines say") {
  CHECK(match("git.example.com" + kLine + "@revoked *" + kLine) == HostKeyMatch::kRevoked);
  CHECK(match("@revoked * ssh-ed25519 " + kOtherText + "\ngit.example.com" + kLine) == HostKeyMatch::kKnown);
}

TEST_CASE("names that ssh-keygen has hashed are found") {
  const TemporaryDirectory directory;
  const std::string file = directory / "known_hosts";
  REQUIRE(tests::run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / "key"}).exit_code ==
          0);
  std::ifstream stream(directory / "key.pub");
  std::string type;
  std::string text;
  stream >> type >> text;
  std::ofstream(file) << "git.example.com " << type << ' ' << text << "\n[h]:2222 " << type << ' ' << text
                      << '\n';
  REQUIRE(tests::run({"ssh-keygen", "-q", "-H", "-f", file}).exit_code == 0);
  std::ifstream hashed(file);
  const std::string content((std::istreambuf_iterator<char>(hashed)), {});
  REQUIRE(content.find("git.example.com") == std::string::npos);
  CHECK(match(content) == HostKeyMatch::kChanged);  // the name is found, our key is another
  CHECK(match(content, "h", 2222) == HostKeyMatch::kChanged);
  CHECK(match(content, "h") == HostKeyMatch::kUnknown);
}

TEST_CASE("a refusal names the fingerprint and what to do") {
  const TemporaryDirectory directory;
  try {
    require_known_host(directory / "none", {"git.example.com", 2222, kKey});
    FAIL("an unknown host was taken");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kDenied);
    CHECK_THAT(error.what(), ContainsSubstring("[git.example.com]:2222"));
    CHECK_THAT(error.what(), ContainsSubstring("SHA256:"));
    CHECK_THAT(error.what(), ContainsSubstring("ssh-keyscan -p 2222 git.example.com"));
  }
}

}  // namespace
}  // namespace hivemind::hub::git

#include <cstdlib>

#include "agent/engine/docker_engine.h"
#include "common/error.h"
#include "tests/support/catch.h"

namespace hivemind::agent {
namespace {

// Sets a variable of this process for the length of a test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* const old = std::getenv(name)) old_ = old;
    had_ = std::getenv(name) != nullptr;
    setenv(name, value, 1);
  }
  ~Variable() { had_ ? setenv(name_, old_.c_str(), 1) : unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::string old_;
  bool had_ = false;
};

}  // namespace

TEST_CASE("the engine is looked for where DOCKER_HOST says, or at Docker's own socket") {
  const Variable no_tls("DOCKER_TLS_VERIFY", "");
  {
    const Variable host("DOCKER_HOST", "");
    CHECK(engine_address_from_environment().unix_path == "/var/run/docker.sock");
  }
  {
    const Variable host("DOCKER_HOST", "unix:///run/podman/podman.sock");
    CHECK(engine_address_from_environment().unix_path == "/run/podman/podman.sock");
  }
  {
    const Variable host("DOCKER_HOST", "tcp://10.0.0.7:2375");
    CHECK(engine_address_from_environment().host == "10.0.0.7");
    CHECK(engine_address_from_environment().port == "2375");
  }
}

TEST_CASE("a DOCKER_HOST that cannot be served is refused by name") {
  const Variable no_tls("DOCKER_TLS_VERIFY", "");
  const Variable host("DOCKER_HOST", "ssh://pi@kitchen");
  try {
    engine_address_from_environment();
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kInvalid);
    CHECK_THAT(error.what(), tests::ContainsSubstring("DOCKER_HOST: address 'ssh://pi@kitchen'"));
  }
}

TEST_CASE("a DOCKER_HOST that wants TLS is refused instead of spoken to in the clear") {
  const Variable tls("DOCKER_TLS_VERIFY", "1");
  const Variable host("DOCKER_HOST", "tcp://10.0.0.7:2376");
  CHECK_THROWS_AS(engine_address_from_environment(), Error);
}

}  // namespace hivemind::agent

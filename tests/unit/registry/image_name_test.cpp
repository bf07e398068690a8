#include "hub/registry/image_name.h"

#include "common/error.h"
#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub::registry;

namespace {

std::string full(const std::string& reference) {
  const ImageName name = ImageName::parse(reference);
  return name.registry + " " + name.repository + " " + name.tag;
}

}  // namespace

TEST_CASE("what a reference leaves unsaid is Docker Hub's, the library's and the newest") {
  CHECK(full("nginx") == "docker.io library/nginx latest");
  CHECK(full("nginx:1.27") == "docker.io library/nginx 1.27");
  CHECK(full("grafana/grafana:11") == "docker.io grafana/grafana 11");
  CHECK(full("docker.io/nginx:1") == "docker.io library/nginx 1");
  CHECK(full("index.docker.io/library/nginx") == "docker.io library/nginx latest");
}

TEST_CASE("a first part that could be no path is a registry") {
  CHECK(full("ghcr.io/a/b/c:1") == "ghcr.io a/b/c 1");
  CHECK(full("localhost/app") == "localhost app latest");
  CHECK(full("127.0.0.1:5000/app") == "127.0.0.1:5000 app latest");
  CHECK(full("127.0.0.1:5000/team/app:v2") == "127.0.0.1:5000 team/app v2");
  CHECK(full("[::1]:5000/app:1") == "[::1]:5000 app 1");
  CHECK(full("team/app") == "docker.io team/app latest");
}

TEST_CASE("Docker Hub answers under another name") {
  CHECK(ImageName::parse("nginx").host() == "registry-1.docker.io");
  CHECK(ImageName::parse("ghcr.io/a/b").host() == "ghcr.io");
}

TEST_CASE("what has a digest, or no name, is refused") {
  CHECK_THROWS_AS(ImageName::parse("nginx@sha256:00"), Error);
  CHECK_THROWS_AS(ImageName::parse("ghcr.io/"), Error);
  CHECK_THROWS_AS(ImageName::parse("nginx:"), Error);
}

TEST_CASE("only hosts that are this machine for certain are loopback") {
  for (const char* host : {"localhost", "localhost:5000", "127.0.0.1", "127.1.2.3:80", "[::1]:5000", "[::1]"})
    CHECK(is_loopback(host));
  for (const char* host : {"localhost.example.org", "127.0.0.1.example.org", "127.1.2.3.4:80",
                           "10.0.0.1:5000", "example.org", ""})
    CHECK_FALSE(is_loopback(host));
}

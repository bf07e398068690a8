#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "agent/engine/decode.h"
#include "agent/engine/encode.h"
#include "agent/engine/lines.h"
#include "agent/engine/pull_stream.h"
#include "agent/plan/reference.h"
#include "common/digest.h"
#include "common/error.h"
#include "tests/support/catch.h"

namespace hivemind::agent {
namespace {

using tests::ContainsSubstring;

std::vector<std::string> split(const std::vector<std::string>& pieces) {
  std::vector<std::string> lines;
  Lines splitter([&](std::string_view line) { lines.emplace_back(line); });
  for (const auto& piece : pieces) splitter.feed(piece);
  splitter.finish();
  return lines;
}

Error failure_of(const std::string& line) {
  PullStream pull;
  try {
    pull.feed(line + "\n");
  } catch (const Error& error) {
    return error;
  }
  return {ErrorCode::kInternal, "nothing was thrown"};
}

}  // namespace

TEST_CASE("lines come out whole, wherever the pieces end") {
  const std::string text = "{\"a\":1}\r\n{\"b\":2}\n\n\r\n{\"c\":3}";
  const std::vector<std::string> expected = {"{\"a\":1}", "{\"b\":2}", "{\"c\":3}"};
  CHECK(split({text}) == expected);
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      CHECK(split({text.substr(0, first), text.substr(first, second - first), text.substr(second)}) ==
            expected);
    }
  }
}

TEST_CASE("a line without end is refused") {
  Lines lines([](std::string_view) {});
  const std::string piece(Lines::kMaxLine / 2, 'x');
  lines.feed(piece);
  lines.feed(piece);
  CHECK_THROWS_AS(lines.feed("x"), Error);
}

TEST_CASE("the progress of a pull is the sum of its layers") {
  PullStream pull;
  pull.feed(R"({"status":"Pulling from library/x","id":"1.0"})"
            "\r\n"
            R"({"status":"Downloading","progressDetail":{"current":10,"total":100},"id":"a"})"
            "\r\n"
            R"({"status":"Downloading","progressDetail":{"current":5,"total":50},"id":"b"})"
            "\r\n"
            R"({"status":"Already exists","progressDetail":{},"id":"c"})"
            "\r\n");
  CHECK(pull.progress().done_bytes == 15);
  CHECK(pull.progress().total_bytes == 150);
  pull.feed(R"({"status":"Download complete","progressDetail":{},"id":"a"})"
            "\n");
  CHECK(pull.progress().done_bytes == 105);
  pull.feed(R"({"status":"Extracting","progressDetail":{"current":1,"total":100},"id":"a"})"
            "\n");
  CHECK(pull.progress().done_bytes == 105);
  CHECK(pull.progress().total_bytes == 150);
}

TEST_CASE("absurd progress neither overflows nor goes backwards below nothing") {
  PullStream pull;
  for (int i = 0; i < 3000; ++i) {
    pull.feed(
        R"({"status":"Downloading","progressDetail":{"current":9223372036854775807,"total":-1},"id":")" +
        std::to_string(i) + "\"}\n");
  }
  CHECK(pull.progress().done_bytes > 0);
  CHECK(pull.progress().done_bytes <= pull.progress().total_bytes);
}

TEST_CASE("a failure within the stream has a code to act on") {
  const std::vector<std::pair<std::string, ErrorCode>> cases = {
      {"manifest for x:1 not found: manifest unknown: manifest unknown", ErrorCode::kNotFound},
      {"no matching manifest for linux/arm64/v8 in the manifest list entries", ErrorCode::kNotFound},
      {"pull access denied for x, repository does not exist or may require 'docker login'",
       ErrorCode::kDenied},
      {"unauthorized: authentication required", ErrorCode::kDenied},
      {"write /var/lib/docker/tmp/1: no space left on device", ErrorCode::kExhausted},
      {"Get \\\"https://r/v2/\\\": dial tcp: lookup r: no such host", ErrorCode::kUnavailable},
      {"Get \\\"https://r/v2/\\\": net/http: TLS handshake timeout", ErrorCode::kUnavailable},
      {"toomanyrequests: You have reached your pull rate limit", ErrorCode::kUnavailable},
      {"filesystem layer verification failed for digest sha256:1", ErrorCode::kInternal}};
  for (const auto& [words, code] : cases) {
    INFO(words);
    const Error error =
        failure_of(R"({"errorDetail":{"message":")" + words + R"("},"error":")" + words + "\"}");
    CHECK(to_string(error.code()) == to_string(code));
    CHECK_THAT(error.what(), ContainsSubstring(words.substr(0, 4)));
  }
  CHECK_THAT(failure_of(R"({"error":"old style"})").what(), ContainsSubstring("old style"));
  CHECK(failure_of("garbage").code() == ErrorCode::kCorrupt);
}

TEST_CASE("a failure in a last line without an end is not missed") {
  PullStream pull;
  pull.feed(R"({"error":"late"})");
  CHECK_THROWS_AS(pull.finish(), Error);
}

TEST_CASE("image references are taken apart at the right colons") {
  struct Case {
    std::string text, name, tag, digest, lookup, pull_tag;
  };
  const std::string digest = "sha256:" + std::string(64, 'a');
  const std::vector<Case> cases = {
      {"nginx", "nginx", "", "", "nginx", "latest"},
      {"nginx:1.25", "nginx", "1.25", "", "nginx:1.25", "1.25"},
      {"library/nginx:1", "library/nginx", "1", "", "library/nginx:1", "1"},
      {"localhost:5000/a/b", "localhost:5000/a/b", "", "", "localhost:5000/a/b", "latest"},
      {"reg.example.com:5000/a/b:v1_2-x", "reg.example.com:5000/a/b", "v1_2-x", "",
       "reg.example.com:5000/a/b:v1_2-x", "v1_2-x"},
      {"nginx@" + digest, "nginx", "", digest, "nginx@" + digest, digest},
      {"localhost:5000/a:1@" + digest, "localhost:5000/a", "1", digest, "localhost:5000/a@" + digest, digest},
      {"a__b/c--d.e:T", "a__b/c--d.e", "T", "", "a__b/c--d.e:T", "T"}};
  for (const Case& expected : cases) {
    INFO(expected.text);
    const auto reference = ImageReference::parse(expected.text);
    CHECK(reference.name == expected.name);
    CHECK(reference.tag == expected.tag);
    CHECK(reference.digest == expected.digest);
    CHECK(reference.lookup() == expected.lookup);
    CHECK(reference.pull_tag() == expected.pull_tag);
  }
}

TEST_CASE("what cannot be an image reference never reaches the engine") {
  for (const std::string& text : {std::string(),
                                  std::string("a b"),
                                  std::string("a//b"),
                                  std::string("../containers"),
                                  std::string("a/../b"),
                                  std::string("/a"),
                                  std::string("a/"),
                                  std::string("a:"),
                                  std::string("a@"),
                                  std::string("a@sha256"),
                                  std::string("a@sha256:"),
                                  std::string("a:b:c"),
                                  std::string("a?x=1"),
                                  std::string("a#b"),
                                  std::string("a%2Fb"),
                                  std::string("a\n"),
                                  std::string("a\0b", 3),
                                  std::string("a:.b"),
                                  std::string(300, 'a'),
                                  "a:" + std::string(129, 'b'),
                                  std::string("a/b:c/d")}) {
    INFO(text);
    CHECK_THROWS_AS(ImageReference::parse(text), Error);
  }
}

TEST_CASE("random bytes crash nothing") {
  std::mt19937 random(20260131);
  const std::string alphabet = "{}[]\":,\\ \n\r\tabc019.-/@\xff\x00";
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 40, ' ');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    INFO(text);
    try {
      ImageReference::parse(text);
    } catch (const Error& error) {
      REQUIRE(error.code() == ErrorCode::kInvalid);
    }
    try {
      PullStream pull;
      pull.feed(text);
      pull.finish();
    } catch (const Error& error) {
      REQUIRE(error.code() != ErrorCode::kInvalid);
    }
  }
}

TEST_CASE("filters and endpoint bodies are escaped and checked") {
  CHECK(encode::filters("label", {"com.hivemind.node=pi-1"}) ==
        "%7B%22label%22%3A%5B%22com.hivemind.node%3Dpi-1%22%5D%7D");
  CHECK(encode::connect_body("a\"b", R"({"Aliases":["x"]})") ==
        R"({"Container":"a\"b","EndpointConfig":{"Aliases":["x"]}})");
  CHECK(encode::connect_body("a", "") == R"({"Container":"a","EndpointConfig":{}})");
  CHECK_THROWS_AS(encode::connect_body("a", "[]"), Error);
  CHECK_THROWS_AS(encode::connect_body("a", "{"), Error);
}

TEST_CASE("a login goes to the engine as its API documents it") {
  const auto shown = [](const RegistryLogin& login) {
    std::string text = encode::registry_auth(login);
    CHECK(text.find_first_of("+/") == std::string::npos);
    std::ranges::replace(text, '-', '+');
    std::ranges::replace(text, '_', '/');
    return from_base64(text);
  };
  CHECK(shown({"reg:5000", "u", "p\"\xc3\xbf>", ""}) ==
        "{\"password\":\"p\\\"\xc3\xbf>\",\"serveraddress\":\"reg:5000\",\"username\":\"u\"}");
  CHECK(shown({"docker.io", "", "", "token"}) ==
        R"({"identitytoken":"token","serveraddress":"https://index.docker.io/v1/"})");
}

TEST_CASE("the registry of an image is told from its name") {
  const auto registry = [](std::string_view text) { return ImageReference::parse(text).registry(); };
  CHECK(registry("nginx") == "docker.io");
  CHECK(registry("library/nginx:1") == "docker.io");
  CHECK(registry("docker.io/a/b") == "docker.io");
  CHECK(registry("index.docker.io/a/b") == "docker.io");
  CHECK(registry("registry-1.docker.io/a/b") == "docker.io");
  CHECK(registry("localhost/a") == "localhost");
  CHECK(registry("reg:5000/a/b@sha256:00") == "reg:5000");
  CHECK(registry("ghcr.io/a/b:1") == "ghcr.io");
}

TEST_CASE("an image is known by the name that engines list") {
  const auto listed = [](std::string_view text) { return ImageReference::parse(text).listed(); };
  CHECK(listed("nginx") == "nginx:latest");
  CHECK(listed("docker.io/library/nginx:1") == "nginx:1");
  CHECK(listed("index.docker.io/a/b") == "a/b:latest");
  CHECK(listed("a/b:1") == "a/b:1");
  CHECK(listed("localhost/library/b:1") == "localhost/library/b:1");
  CHECK(listed("reg:5000/b:1@sha256:00") == "reg:5000/b@sha256:00");
}

TEST_CASE("a registry that has had too many requests may be asked again") {
  for (const char* words :
       {"toomanyrequests: retry-after: 297.6\xc2\xb5s, allowed: 44000/minute", "denied: toomanyrequests",
        "received unexpected HTTP status: 429 Too Many Requests",
        "error parsing HTTP 429 response body: EOF"}) {
    INFO(words);
    CHECK((code_of_pull_failure(words) == ErrorCode::kUnavailable));
  }
  CHECK((code_of_pull_failure("pull access denied for x") == ErrorCode::kDenied));
}

TEST_CASE("images are read with their names, also from engines that write <none>") {
  const auto images = decode::images(
      R"([{"Id":"sha256:a","RepoTags":["x:1","y:2"],"RepoDigests":["x@sha256:d"],"Size":5,"Created":7},)"
      R"({"Id":"sha256:b","RepoTags":["<none>:<none>"],"RepoDigests":["<none>@<none>"],"Size":1},)"
      R"({"Id":"sha256:c","RepoTags":null,"RepoDigests":null}])");
  REQUIRE(images.size() == 3);
  CHECK(images[0].references == std::vector<std::string>{"x:1", "y:2"});
  CHECK(images[0].digests == std::vector<std::string>{"x@sha256:d"});
  CHECK(images[0].size_bytes == 5);
  CHECK(images[0].created_s == 7);
  CHECK((images[1].references.empty() && images[1].digests.empty()));
  CHECK((images[2].references.empty() && images[2].digests.empty()));
  CHECK_THROWS_AS(decode::images(R"([{"RepoTags":[]}])"), Error);
}

TEST_CASE("what an engine tells of itself is read, and what it leaves out is empty") {
  EngineInfo engine;
  decode::info(R"({"DockerRootDir":"/d","LoggingDriver":"json-file","NCPU":4,"MemTotal":1024})", engine);
  CHECK(engine.root_directory == "/d");
  CHECK(engine.log_driver == "json-file");
  CHECK(engine.cpus == 4);
  CHECK(engine.memory_bytes == 1024);
  EngineInfo other;
  decode::info("{}", other);
  CHECK((other.root_directory.empty() && other.log_driver.empty() && other.cpus == 0));
}

}  // namespace hivemind::agent

#include "hub/desired/git/remote_url.h"

#include "common/error.h"
#include "hub/desired/git/mirror.h"
#include "tests/support/catch.h"

namespace hivemind::hub::git {
namespace {

using Transport = RemoteUrl::Transport;

TEST_CASE("each form of address is told apart") {
  CHECK(RemoteUrl::parse("/srv/fleet.git").transport == Transport::kLocal);
  CHECK(RemoteUrl::parse("file:///srv/fleet.git").transport == Transport::kLocal);
  CHECK(RemoteUrl::parse("file:///srv/my%20fleet.git").plain == "/srv/my fleet.git");
  CHECK(RemoteUrl::parse("https://git.example.com/fleet.git").transport == Transport::kHttp);
  CHECK(RemoteUrl::parse("HTTP://git.example.com/fleet.git").transport == Transport::kHttp);
  CHECK(RemoteUrl::parse("ssh://git@git.example.com/fleet.git").transport == Transport::kSsh);
  CHECK(RemoteUrl::parse("git@git.example.com:fleet.git").transport == Transport::kSsh);
  CHECK(RemoteUrl::parse("git.example.com:fleet.git").transport == Transport::kSsh);
}

TEST_CASE("host and port of an ssh address are read") {
  const RemoteUrl url = RemoteUrl::parse("ssh://ada@git.example.com:2222/fleet.git");
  CHECK(url.user == "ada");
  CHECK(url.host == "git.example.com");
  CHECK(url.port == 2222);
  CHECK(RemoteUrl::parse("ssh://git@[::1]:2222/x").host == "::1");
  CHECK(RemoteUrl::parse("git@[::1]:x").host == "::1");
  CHECK(RemoteUrl::parse("ada@git.example.com:fleet.git").user == "ada");
  CHECK(RemoteUrl::parse("ada@git.example.com:fleet.git").port == 22);
}

TEST_CASE("credentials are taken out of the address") {
  const RemoteUrl url = RemoteUrl::parse("https://ada:p%40ss%2Fword@git.example.com:8443/fleet.git");
  CHECK(url.user == "ada");
  CHECK(url.password == "p@ss/word");
  CHECK(url.plain == "https://git.example.com:8443/fleet.git");
  CHECK(url.shown == "https://git.example.com:8443/fleet.git");
  CHECK(RemoteUrl::parse("ssh://git:secret@h/x").plain == "ssh://git@h/x");
}

TEST_CASE("no part of a credential is shown, even of an address that is malformed") {
  const std::string secret = "s3cret";
  for (const std::string url :
       {"https://ada:s3cret@h/x", "https://s3cret@h/x", "https://ada:a/s3cret@h/x",
        "https://ada:a#s3cret@h/x", "https://ada:a?s3cret@h/x", "https://ada:a@s3cret@h/x",
        "https://h/x?token=s3cret", "https://h/x#s3cret", "ssh://git:s3cret@h/x", "ada:s3cret@h:x",
        "https://ada:s3cret%@h/x", "foo://ada:s3cret@h/x", "https://ada:s3cret@/x",
        "https://ada:s3cret@h:port/x"}) {
    CAPTURE(url);
    CHECK(redacted(url).find(secret) == std::string::npos);
    std::string shown;
    try {
      shown = RemoteUrl::parse(url).shown;
    } catch (const Error& error) {
      shown = error.what();
    }
    CHECK(shown.find(secret) == std::string::npos);
  }
}

TEST_CASE("an address that cannot be used is refused") {
  for (const std::string url : {"", "ftp://h/x", "git://h/x", "https:///x", "https://h:99999/x",
                                "https://h:port/x", "file://host/x", "https://h/x\n", "ext::sh -c x"}) {
    CAPTURE(url);
    if (url == "ext::sh -c x") {
      CHECK(RemoteUrl::parse(url).transport ==
            Transport::kSsh);  // a host named 'ext': no command is ever run
      continue;
    }
    CHECK_THROWS_AS(RemoteUrl::parse(url), Error);
  }
}

}  // namespace
}  // namespace hivemind::hub::git

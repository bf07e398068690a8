#include "common/ids.h"

#include "common/error.h"
#include "tests/support/catch.h"

using namespace hivemind;

TEST_CASE("a node id is a DNS label") {
  for (const char* id : {"a", "0", "pi-kitchen", "node-001"}) CHECK(is_node_id(id));
  CHECK(is_node_id(std::string(63, 'a')));
  for (const char* id : {"", "-a", "a-", "A", "a.b", "a_b", "a/b", "+", "#", "a b"})
    CHECK_FALSE(is_node_id(id));
  CHECK_FALSE(is_node_id(std::string(64, 'a')));
}

TEST_CASE("a refused node id is named with what it should look like") {
  CHECK_THROWS_WITH(require_node_id("Pi/1"), tests::ContainsSubstring("'Pi/1' is not a DNS label"));
}

TEST_CASE("a stack name is a Compose project name") {
  for (const char* name : {"web", "0web", "web_1-a"}) CHECK(is_stack_name(name));
  for (const char* name : {"", "_web", "-web", "Web", "web.1", "web/1"}) CHECK_FALSE(is_stack_name(name));
}

TEST_CASE("a Compose key may have capitals and dots") {
  CHECK(is_compose_key("My.Service_1-a"));
  for (const char* key : {"", "a b", "a/b", "ä"}) CHECK_FALSE(is_compose_key(key));
}

TEST_CASE("a label key starts with a letter or digit") {
  CHECK(is_label_key("site"));
  CHECK(is_label_key("site.name-1"));
  for (const char* key : {"", "_site", ".site", "a=b"}) CHECK_FALSE(is_label_key(key));
}

TEST_CASE("a label is read by a variable in capitals") {
  CHECK(label_variable("site") == "HIVEMIND_LABEL_SITE");
  CHECK(label_variable("site-name.1") == "HIVEMIND_LABEL_SITE_NAME_1");
}

TEST_CASE("a registry is named as images name it") {
  for (const char* right :
       {"ghcr.io", "reg:5000", "localhost", "127.0.0.1:5000", "[::1]:5000", "docker.io"}) {
    INFO(right);
    CHECK(is_registry(right));
  }
  for (const char* wrong : {"", "reg", "not a host", "not a host.org", "https://ghcr.io", "ghcr.io/",
                            "ghcr.io/me", ":", ".", "-x.org", "a.b\n", "k\xc3\xb6ln.de"}) {
    INFO(wrong);
    CHECK_FALSE(is_registry(wrong));
  }
}

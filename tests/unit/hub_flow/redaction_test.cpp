#include "hub/redaction.h"

#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub;

TEST_CASE("an answer stays JSON, whatever the value is") {
  Redactor redactor;
  redactor.learn({"hunter2", "name", "true", "null"});
  CHECK(redacted_json(R"({"name":"x","ok":true,"none":null,"text":["a hunter2","names"]})", redactor) ==
        "{\"name\":\"x\",\"none\":null,\"ok\":true,\"text\":[\"a ***\",\"***s\"]}\n");
  CHECK(redacted_json(R"({"b":1,"a":2})", redactor) == R"({"b":1,"a":2})");
  CHECK(redacted_json("no JSON with hunter2", redactor) == "no JSON with ***");
}

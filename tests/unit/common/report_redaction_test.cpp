#include "common/report_redaction.h"

#include "tests/support/catch.h"

using namespace hivemind;

namespace {

constexpr const char* kText = "login with hunter2 failed";

}  // namespace

TEST_CASE("what a node says in words of its own is shown without known values") {
  v1::Report report;
  report.set_text(kText);
  v1::StackReport& stack = *report.add_stacks();
  stack.set_text(kText);
  stack.add_notices()->set_text(kText);
  stack.mutable_failed()->set_text(kText);
  stack.mutable_failed()->set_output(kText);
  stack.add_services()->set_text(kText);
  stack.mutable_services(0)->set_health_output(kText);
  Redactor redactor;
  redactor.learn({"hunter2"});
  redact(report, redactor);
  CHECK(report.SerializeAsString().find("hunter2") == std::string::npos);
  CHECK(stack.failed().output() == "login with *** failed");

  v1::Event event;
  event.set_text(kText);
  redact(event, redactor);
  CHECK(event.text() == "login with *** failed");

  v1::CommandReply reply;
  reply.set_text(kText);
  v1::AdoptionItem& item = *reply.mutable_adoption()->add_items();
  item.set_text(kText);
  item.add_differences()->set_now("\"PW=hunter2\"");
  redact(reply, redactor);
  CHECK(reply.SerializeAsString().find("hunter2") == std::string::npos);
}

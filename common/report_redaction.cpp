#include "common/report_redaction.h"

namespace hivemind {
namespace {

void redact(v1::ServiceReport& service, const Redactor& redactor) {
  redactor.redact(service.mutable_text());
  redactor.redact(service.mutable_health_output());
}

void redact(v1::StackReport& stack, const Redactor& redactor) {
  redactor.redact(stack.mutable_text());
  for (v1::ServiceReport& service : *stack.mutable_services()) redact(service, redactor);
  for (v1::Notice& notice : *stack.mutable_notices()) redactor.redact(notice.mutable_text());
  if (!stack.has_failed()) return;
  redactor.redact(stack.mutable_failed()->mutable_text());
  redactor.redact(stack.mutable_failed()->mutable_output());
}

void redact(v1::AdoptionItem& item, const Redactor& redactor) {
  redactor.redact(item.mutable_text());
  for (v1::FieldDifference& difference : *item.mutable_differences()) {
    redactor.redact(difference.mutable_now());
    redactor.redact(difference.mutable_then());
  }
}

}  // namespace

void redact(v1::Report& report, const Redactor& redactor) {
  redactor.redact(report.mutable_text());
  for (v1::StackReport& stack : *report.mutable_stacks()) redact(stack, redactor);
}

void redact(v1::Event& event, const Redactor& redactor) {
  redactor.redact(event.mutable_text());
}

void redact(v1::CommandReply& reply, const Redactor& redactor) {
  redactor.redact(reply.mutable_text());
  if (!reply.has_adoption()) return;
  for (v1::AdoptionItem& item : *reply.mutable_adoption()->mutable_items()) redact(item, redactor);
}

}  // namespace hivemind

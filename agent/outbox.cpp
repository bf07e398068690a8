#include "agent/outbox.h"

#include <algorithm>
#include <utility>

namespace hivemind::agent {
namespace {

constexpr std::size_t kBatch = 100;
constexpr std::chrono::seconds kPatience{60};

}  // namespace

Outbox::Outbox(boost::asio::any_io_executor loop, Memory& memory, Publish publish)
    : memory_(memory), publish_(std::move(publish)), timer_(std::move(loop)) {}

void Outbox::add(v1::Event event) {
  memory_.add_event(std::move(event));
  send();
}

void Outbox::send() {
  for (;;) {
    const std::vector<v1::Event> events = memory_.events_after(sent_through_, kBatch);
    if (events.empty()) break;
    v1::EventBatch batch;
    batch.set_stream(memory_.stream());
    batch.mutable_events()->Add(events.begin(), events.end());
    // What was acknowledged is gone: a hub that asks for it again has forgotten it.
    for (const v1::Event& oldest : memory_.events_after(0, 1)) batch.set_first(oldest.sequence());
    if (!publish_(std::move(batch))) break;
    sent_through_ = events.back().sequence();
    remind_later();
  }
}

void Outbox::send_all() {
  sent_through_ = 0;
  send();
}

void Outbox::acknowledged(const v1::EventAck& ack) {
  memory_.remove_events_through(ack.stream(), ack.sequence());
}

void Outbox::remind_later() {
  if (std::exchange(reminding_, true)) return;
  timer_.expires_after(kPatience);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    reminding_ = false;
    send_all();
  });
}

}  // namespace hivemind::agent

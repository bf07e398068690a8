#include <utility>

#include <sys/utsname.h>

#include "agent/agent.h"
#include "common/error.h"
#include "common/file.h"
#include "common/log.h"
#include "common/version.h"

namespace hivemind::agent {
namespace {

constexpr std::chrono::milliseconds kReportBunch{20};
constexpr std::chrono::milliseconds kSaveBunch{250};  // the store's copy only serves 'status'; flash wears

std::int64_t wall_clock_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string boot_id() {
  try {
    std::string id = read_file("/proc/sys/kernel/random/boot_id");
    while (id.ends_with('\n')) id.pop_back();
    return id;
  } catch (const Error&) {
    return {};  // not every system has one; people miss little
  }
}

void fill_facts(v1::NodeFacts& facts, const std::optional<EngineInfo>& engine) {
  struct utsname system {};
  if (::uname(&system) == 0) {
    facts.set_architecture(system.machine);
    facts.set_kernel(system.release);
    facts.set_os(system.sysname);
    facts.set_hostname(system.nodename);
  }
  if (!engine) return;
  facts.set_architecture(engine->architecture);
  facts.set_os(engine->os);
  facts.set_kernel(engine->kernel);
  facts.set_engine_version(engine->version);
  facts.set_engine_api(engine->api.text());
}

v1::Position position_of(const Desired& desired) {
  v1::Position position;
  position.set_generation(desired.generation);
  position.set_revision(desired.revision);
  return position;
}

// What an event of the stack would say; the same thing is not said twice.
std::string saying_of(const v1::StackReport& stack) {
  if (stack.state() == v1::STATE_RUNNING && !stack.running_digest().empty())
    return "running " + stack.running_digest();
  if (stack.state() == v1::STATE_FAILED) return fmt::format("failed {}", static_cast<int>(stack.reason()));
  return {};
}

void log_event(const v1::Event& event) {
  const std::string subject = event.service().empty() ? event.stack() : event.stack() + "/" + event.service();
  const std::string line =
      fmt::format("{}{}{}: {}", event.kind(), subject.empty() ? "" : " ", subject, event.text());
  if (event.reason() == v1::REASON_NONE) {
    log::info("{}", line);
  } else {
    log::warn("{}", line);
  }
}

// "sha256:5919166d3f74…" -> "5919166d3f74"
std::string short_digest(const std::string& digest) {
  return digest.substr(digest.find(':') + 1, 12);
}

}  // namespace

void Agent::report_soon() {
  if (std::exchange(report_due_, true)) return;
  report_timer_.expires_after(kReportBunch);
  report_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->report_due_ = false;
    self->report_now();
  });
}

NodeStanding Agent::node_standing() const {
  const Standing& standing = reconciler_->standing();
  NodeStanding node;
  if (desired_) node.received = position_of(*desired_);
  if (memory_.applied()) node.applied = *memory_.applied();
  node.refusal = refusal_;
  node.engine_reason = standing.engine_reason;
  node.engine_text = standing.engine_text;
  node.store_failure = memory_.failure();
  if (!standing.desired) return node;
  const Findings findings = reconciler_->findings();
  node.looked = standing.observed_once && standing.desired == desired_;
  node.settled = standing.settled;
  for (const Pending& pending : standing.plan.pending) {
    if (standing.desired->stack(pending.stack) != nullptr) continue;
    node.rest_reason = pending.reason;
    node.rest_text = fmt::format("stack '{}', which is not wanted any more: {}", pending.stack, pending.text);
  }
  node.stacks = stack_reports(findings);
  return node;
}

v1::Report Agent::compose(const NodeStanding& standing) const {
  v1::Report report = node_report(standing);
  report.set_node(identity_.node);
  report.set_agent_version(version());
  report.set_boot_id(boot_id());
  report.set_session(commands_.session);
  report.mutable_labels()->insert(identity_.labels.begin(), identity_.labels.end());
  fill_facts(*report.mutable_facts(), reconciler_->standing().engine);
  return report;
}

void Agent::note_applied(const NodeStanding& standing) {
  const auto& known = memory_.applied();
  if (!is_applied(standing) || (known && known->applied().generation() == standing.received.generation()))
    return;
  v1::Report applied;
  *applied.mutable_applied() = standing.received;
  for (const v1::StackReport& stack : standing.stacks) {
    v1::StackReport& entry = *applied.add_stacks();
    entry.set_stack(stack.stack());
    entry.set_running_digest(stack.running_digest());
  }
  log::info("manifest of generation {} applied", standing.received.generation());
  memory_.save_applied(std::move(applied));
}

void Agent::report_now() {
  const NodeStanding standing = node_standing();
  note_applied(standing);
  v1::Report report = compose(standing);
  std::string content = report.SerializeAsString();
  if (content == published_) return;
  report.set_reported_at_ms(wall_clock_ms());
  if (link_->up() && link_->publish_report(report)) published_ = std::move(content);
  announce(report);
  if (std::exchange(save_due_, true)) return;
  save_timer_.expires_after(kSaveBunch);
  save_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->save_due_ = false;
    v1::Report latest = self->compose(self->node_standing());
    latest.set_reported_at_ms(wall_clock_ms());
    self->memory_.save_report(std::move(latest));
  });
}

// A stack's passage to running or failed is told once, also over restarts.
void Agent::announce(const v1::Report& report) {
  std::map<std::string, std::string> announced;
  for (const v1::StackReport& stack : report.stacks()) {
    const std::string before = announced_.contains(stack.stack()) ? announced_[stack.stack()] : "";
    const std::string now = saying_of(stack);
    announced[stack.stack()] = now.empty() ? before : now;
  }
  const auto before = std::exchange(announced_, std::move(announced));
  if (!desired_) return;  // the report of the run before this one
  for (const v1::StackReport& stack : report.stacks()) {
    const std::string now = saying_of(stack);
    const auto last = before.find(stack.stack());
    if (now.empty() || (last != before.end() && last->second == now)) continue;
    const bool failed = stack.state() == v1::STATE_FAILED;
    tell({failed ? "stack_failed" : "stack_running", stack.stack(), "", stack.reason(),
          failed ? stack.text() : "release " + short_digest(stack.running_digest())},
         stack.desired_revision());
  }
}

void Agent::tell(Happening happening, const std::string& revision) {
  v1::Event event;
  event.set_at_ms(wall_clock_ms());
  event.set_kind(std::move(happening.kind));
  event.set_stack(std::move(happening.stack));
  event.set_service(std::move(happening.service));
  event.set_revision(revision);
  event.set_reason(happening.reason);
  event.set_text(std::move(happening.text));
  log_event(event);
  outbox_.add(std::move(event));
}

std::string Agent::current_revision() const {
  return desired_ ? desired_->revision : "";
}

void Agent::on_past() {
  memory_.save_good(reconciler_->past().good);
  memory_.save_completed(reconciler_->past().completed);
  memory_.save_hooked(reconciler_->past().hooked);
  memory_.save_notices(reconciler_->past().notices);
  memory_.save_pulled(reconciler_->past().pulled);
  memory_.save_images(reconciler_->past().images);
}

// The report first: whoever sees the node come online finds a true one.
void Agent::on_up() {
  log::info("connected to the broker");
  begin_session();
  v1::Report report = compose(node_standing());
  published_ = report.SerializeAsString();
  report.set_reported_at_ms(wall_clock_ms());
  link_->publish_report(report);
  link_->publish_online();
  outbox_.send_all();
}

}  // namespace hivemind::agent

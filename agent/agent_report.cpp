#include <algorithm>
#include <utility>

#include "agent/agent.h"
#include "common/log.h"
#include "common/report_redaction.h"
#include "common/version.h"

namespace hivemind::agent {
namespace {

constexpr std::chrono::milliseconds kReportBunch{20};
// The store's copy serves 'status', and knows over a restart what has been told already. Flash wears: while
// only texts change, as those of a pull do, it is written seldom.
constexpr std::chrono::milliseconds kSaveBunch{250};
constexpr std::chrono::milliseconds kSavePause{3'000};

std::int64_t wall_clock_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
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
  if (stack.state() == v1::STATE_ROLLED_BACK) return "rolled back " + stack.failed().digest();
  if (stack.reason() == v1::REASON_POLICY_REFUSED) return "refused " + stack.desired_digest();
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

// Whoever has judged the release has told so, each time.
bool is_told_already(const v1::StackReport& stack) {
  return stack.state() == v1::STATE_ROLLED_BACK || stack.reason() == v1::REASON_PRE_FAILED;
}

}  // namespace

std::string content_of(v1::Report report) {
  report.clear_reported_at_ms();
  report.clear_session();
  report.clear_vitals();
  return report.SerializeAsString();
}

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
  // What is told of stacks is about the manifest that they were looked at with: one that is newer counts as
  // received with the next look, so that nobody takes what became of the former one for its own.
  const bool is_looking = standing.desired && standing.engine_reason == v1::REASON_NONE;
  const auto& told = is_looking ? standing.desired : desired_;
  if (told) node.received = position_of(*told);
  if (memory_.applied()) node.applied = *memory_.applied();
  node.refusal = refusal_;
  node.engine_reason = standing.engine_reason;
  node.engine_text = standing.engine_text;
  node.store_failure = memory_.failure();
  node.clock_doubt = clock_doubt_now();
  node.trouble = trouble_text(hub_contact());
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
  report.set_boot_id(facts_.boot_id());
  report.set_session(commands_.session);
  report.set_hub_key(trusted_.key().id());
  if (desired_) report.set_stamp(desired_->stamp);
  report.mutable_labels()->insert(identity_.labels.begin(), identity_.labels.end());
  *report.mutable_facts() = facts_.machine(reconciler_->standing().engine);
  redact(report, *vault_->redactor());
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
  mind_the_clock();
  const NodeStanding standing = node_standing();
  note_applied(standing);
  v1::Report report = compose(standing);
  std::string content = report.SerializeAsString();
  const bool told = announce(report);
  save_soon(report, told ? kSaveBunch : kSavePause);
  if (content != published_) publish(std::move(report), std::move(content));
}

// content: the report's, before it has its time and vitals, which alone are no reason to publish one.
void Agent::publish(v1::Report report, std::string content) {
  report.set_reported_at_ms(wall_clock_ms());
  *report.mutable_vitals() = facts_.vitals(reconciler_->standing().engine);
  if (link_->up() && link_->publish_report(report)) published_ = std::move(content);
  beat_later();
}

void Agent::beat_later() {
  heartbeat_timer_.expires_after(tuning_.heartbeat);
  heartbeat_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    v1::Report report = self->compose(self->node_standing());
    std::string content = report.SerializeAsString();
    self->publish(std::move(report), std::move(content));
  });
}

// At most once a pause, at once after a longer one, and not at all when nothing but time has passed.
void Agent::save_soon(v1::Report report, std::chrono::milliseconds pause) {
  if (content_of(std::move(report)) == saved_) return;
  const auto now = std::chrono::steady_clock::now();
  const auto due = std::max(now + kSaveBunch, saved_at_ + pause);
  if (save_due_ && *save_due_ <= due) return;
  save_due_ = due;
  save_timer_.expires_at(due);
  save_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self) self->save_report();
  });
}

void Agent::save_report() {
  save_due_.reset();
  saved_at_ = std::chrono::steady_clock::now();
  v1::Report latest = compose(node_standing());
  saved_ = content_of(latest);
  latest.set_reported_at_ms(wall_clock_ms());
  *latest.mutable_vitals() = facts_.vitals(reconciler_->standing().engine);
  memory_.save_report(std::move(latest));
}

// A stack's passage to running or failed is told once, also over restarts. Returns whether
// there was such a passage.
bool Agent::announce(const v1::Report& report) {
  std::map<std::string, std::string> announced;
  for (const v1::StackReport& stack : report.stacks()) {
    const std::string before = announced_.contains(stack.stack()) ? announced_[stack.stack()] : "";
    const std::string now = saying_of(stack);
    announced[stack.stack()] = now.empty() ? before : now;
  }
  const auto before = std::exchange(announced_, std::move(announced));
  if (!desired_) return false;  // the report of the run before this one
  bool told = false;
  for (const v1::StackReport& stack : report.stacks()) {
    const std::string now = saying_of(stack);
    const auto last = before.find(stack.stack());
    if (now.empty() || (last != before.end() && last->second == now)) continue;
    told = true;
    if (is_told_already(stack)) continue;
    const bool failed = stack.state() == v1::STATE_FAILED;
    tell({failed ? "stack_failed" : "stack_running", stack.stack(), "", stack.reason(),
          failed ? stack.text() : "release " + short_digest(stack.running_digest())},
         stack.desired_revision());
  }
  return told;
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
  redact(event, *vault_->redactor());
  log_event(event);
  outbox_.add(std::move(event));
}

std::string Agent::current_revision() const {
  return desired_ ? desired_->revision : "";
}

// At once: nothing may be known to have begun that could not come back.
void Agent::on_past() {
  const auto& desired = reconciler_->standing().desired;
  const bool has_stacks = desired && !desired->stacks.empty();
  memory_.together([&] {
    memory_.save_good(reconciler_->past().good,
                      has_stacks ? desired->stacks.front().contents : std::make_shared<const Contents>(),
                      has_stacks ? *desired->sealed : SealedSecrets());
    memory_.save_failed(reconciler_->past().failed);
    std::map<std::string, std::string> trials;
    for (const auto& [stack, trial] : reconciler_->past().trials) trials[stack] = trial.digest;
    memory_.save_trials(std::move(trials));
    memory_.save_jobs(reconciler_->past().jobs);
    memory_.save_completed(reconciler_->past().completed);
    memory_.save_hooked(reconciler_->past().hooked);
    memory_.save_notices(reconciler_->past().notices);
    memory_.save_pulled(reconciler_->past().pulled);
    memory_.save_images(reconciler_->past().images);
  });
}

// The report first: whoever sees the node come online finds a true one.
void Agent::on_up() {
  log::info("connected to the broker");
  begin_session();
  v1::Report report = compose(node_standing());
  std::string content = report.SerializeAsString();
  save_soon(report, kSavePause);  // the copy may still tell why there was no connection
  publish(std::move(report), std::move(content));
  link_->publish_online();
  outbox_.send_all();
}

}  // namespace hivemind::agent

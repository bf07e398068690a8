#include "hub/inventory/why.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include <fmt/format.h>

#include "common/report_text.h"
#include "hub/inventory/why_stack.h"

namespace hivemind::hub {
namespace {

constexpr std::int64_t kTellingOffsetMs = 2'000;
constexpr std::int64_t kSkewMs = 5 * 60'000;  // from here on certificates, windows and people are misled

std::string utc_text(std::int64_t unix_ms) {
  const std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

// "45 s", "12 min", "3 h 5 min", "4 days"
std::string duration_text(std::int64_t ms) {
  const std::int64_t seconds = ms / 1000;
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7'200) return fmt::format("{} min", seconds / 60);
  if (seconds < 172'800) return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{} days", seconds / 86'400);
}

std::string short_revision(const std::string& revision) {
  return revision.substr(0, 12);
}

// The node obeys a key that this hub has never had.
constexpr const char* kForeignKeyRemedy =
    "put back the hub's newest 'signing.key' if it was restored from a backup of before a rotation; else "
    "enrol the node here ('hivemind node replace'), or give one that is not enrolled this hub's hub.pub "
    "(--hub-key)";

// Asks one question of one node.
class Inquiry {
 public:
  Inquiry(const HubStatus& status, const Inventory& inventory, const WhyQuestion& question)
      : status_(status), question_(question), node_(inventory.find(question.node)) {}

  Why answer() {
    why_.revision = status_.git.revision;
    if (node_ == nullptr) {
      add(causes::kUnknownNode, fmt::format("there is no node '{}'", question_.node),
          "see 'hivemind node ls'; a node is known once its agent has reported, or stacks.yml names it");
      return std::move(why_);
    }
    if (node_->membership == Membership::kRevoked) {  // whatever else is, it is not wanted there
      add_revoked();
      return std::move(why_);
    }
    ask_repository();
    ask_hub();
    ask_listing();
    ask_compiler();
    ask_node();
    add_notes();
    return std::move(why_);
  }

 private:
  void add(const char* reason, std::string text, std::string remedy, std::string stack = {}) {
    why_.causes.push_back({reason, std::move(stack), "", std::move(text), std::move(remedy)});
  }
  void add_revoked() {
    const std::string when =
        node_->revoked_at_ms == 0 ? "" : fmt::format(" on {}", utc_text(node_->revoked_at_ms));
    add(causes::kRevoked, fmt::format("revoked{}; it gets nothing any more", when),
        fmt::format("'hivemind node replace {}' lets new hardware take its place", node_->id));
  }
  bool is_asked(const std::string& stack) const {
    return question_.stack.empty() || question_.stack == stack;
  }

  NodeIdentity identity() const {
    NodeIdentity identity{node_->id, labels_of(*node_)};
    const auto given = status_.node_labels.find(node_->id);
    if (given == status_.node_labels.end()) return identity;
    for (const auto& [key, value] : given->second) identity.labels.insert_or_assign(key, value);
    return identity;
  }

  // The newest revision as a whole.
  void ask_repository() {
    const std::string revision = short_revision(status_.git.revision);
    if (status_.git.revision.empty()) {
      add(causes::kNothingFetched,
          status_.git.error.empty() ? "no revision has been fetched yet"
                                    : "no revision has been fetched yet: " + status_.git.error,
          "see 'hivemind status'");
      return;
    }
    if (status_.trust.held_since_ms != 0) {
      add(causes::kRevisionHeld, status_.trust.held_text, "hivemind trust resume");
    } else if (status_.desired.state == DesiredStatus::State::kHeld) {
      add(causes::kRevisionHeld, status_.desired.text, "hivemind sync --confirm-empty");
    } else if (status_.desired.state == DesiredStatus::State::kUnsigned) {
      add(causes::kRevisionUnsigned, status_.desired.text, "sign the commit, or let its signer in");
    } else if (status_.desired.state == DesiredStatus::State::kInvalid) {
      add(causes::kRevisionInvalid, fmt::format("revision {}: {}", revision, status_.desired.text),
          "mend what the diagnostics say and commit");
      add_diagnostics([](const Diagnostic& diagnostic) { return diagnostic.stack.empty(); });
    } else if (question_.settling || status_.desired.revision != status_.git.revision) {
      add(causes::kCompiling, fmt::format("revision {} is being compiled", revision), "");
    }
  }

  // What the hub needs to tell the node anything.
  void ask_hub() {
    if (!status_.store_error.empty()) {
      add(causes::kHubStoreFailed, "the hub's data directory cannot be written: " + status_.store_error,
          "make room on the hub's disk, or mend its file system");
    }
    if (!status_.broker.connected) {
      add(causes::kBrokerDown, "the hub has no connection to the broker: " + status_.broker.error,
          "see 'hivemind status'");
    }
  }

  // Whether the stack that was asked for is to run there at all.
  void ask_listing() {
    const std::string& stack = question_.stack;
    if (stack.empty()) return;
    const auto entry = std::ranges::find_if(status_.stacks, [&](const auto& e) { return e.name == stack; });
    if (entry == status_.stacks.end()) {
      add(causes::kNotListed, fmt::format("stack '{}' is not listed in stacks.yml", stack),
          "list it there, and commit", stack);
    } else if (!entry->enabled) {
      add(causes::kDisabled, fmt::format("stack '{}' has 'enabled: false' in stacks.yml", stack),
          "enable it there, and commit", stack);
    } else if (!entry->nodes.selects(identity())) {
      add(causes::kNotSelected, fmt::format("stack '{}' is not for this node: {}", stack, mismatch(*entry)),
          "change the stack's 'nodes:' in stacks.yml, or the node's labels", stack);
    }
  }

  std::string mismatch(const StackEntry& entry) const {
    const NodeIdentity node = identity();
    if (!entry.nodes.ids.empty() && !std::ranges::binary_search(entry.nodes.ids, node.id))
      return fmt::format("its 'nodes: {{ids: …}}' names others ({})", fmt::join(entry.nodes.ids, ", "));
    for (const auto& [key, values] : entry.nodes.labels) {
      const auto has = node.labels.find(key);
      if (has != node.labels.end() && std::ranges::find(values, has->second) != values.end()) continue;
      const std::string found = has == node.labels.end() ? fmt::format("no label '{}'", key)
                                                         : fmt::format("{}={}", key, has->second);
      return fmt::format("it wants {}={}, the node has {}", key, fmt::join(values, " or "), found);
    }
    return "its selector says so";
  }

  // Stacks of this node whose newest form cannot be sent.
  void ask_compiler() {
    const NodeIdentity node = identity();
    add_diagnostics([&](const Diagnostic& diagnostic) {
      const auto entry =
          std::ranges::find_if(status_.stacks, [&](const auto& e) { return e.name == diagnostic.stack; });
      return entry != status_.stacks.end() && entry->enabled && entry->nodes.selects(node) &&
             is_asked(diagnostic.stack);
    });
  }

  template <typename Concerns>
  void add_diagnostics(Concerns concerns) {
    for (const Diagnostic& diagnostic : status_.diagnostics) {
      if (diagnostic.severity != Severity::kError || !concerns(diagnostic)) continue;
      const bool is_ours = diagnostic.nodes.empty() ||
                           std::ranges::find(diagnostic.nodes, node_->id) != diagnostic.nodes.end();
      if (!is_ours) continue;
      Diagnostic plain = diagnostic;
      plain.remedy.clear();
      why_.causes.push_back({causes::kDoesNotCompile, diagnostic.stack, diagnostic.service, to_text(plain),
                             diagnostic.remedy.empty() ? "mend it and commit" : diagnostic.remedy});
    }
  }

  void ask_node() {
    if (!node_->report) {
      add(causes::kNeverConnected, "it has never reported" + ended_certificate_text(), remedy_of_silence());
      return;
    }
    why_.reported_revision = node_->report->running().revision();
    if (node_->presence == Presence::kOffline) {
      add(causes::kOffline,
          fmt::format("offline since {} ({}){}", utc_text(node_->seen_at_ms),
                      duration_text(std::max<std::int64_t>(0, question_.now_ms - node_->seen_at_ms)),
                      ended_certificate_text()),
          "check its power, its network and its agent; it gets what is new when it returns" + renewal_text());
    }
    if (node_->desired.generation == 0) {
      const bool is_made = question_.settling || why_.causes.empty();
      if (is_made) add(causes::kNoManifest, "its first manifest is not made yet", "");
      return;
    }
    if (node_->report->received().generation() < node_->desired.generation) return ask_receipt();
    ask_agent();
    ask_stacks();
  }

  std::string remedy_of_silence() const {
    if (node_->membership != Membership::kEnrolled) {
      return fmt::format("let the machine in: hivemind node token create --id {}", node_->id);
    }
    return "start the agent on it (as a service: systemctl start hivemind-agent)" + renewal_text();
  }

  // With an ended certificate the broker lets nobody in. Whether the hub still renews it depends on its
  // grace.
  bool has_ended_certificate() const {
    return node_->membership == Membership::kEnrolled && node_->certificate_until_ms != 0 &&
           node_->certificate_until_ms < question_.now_ms;
  }
  std::string ended_certificate_text() const {
    return has_ended_certificate()
               ? fmt::format("; its certificate ended on {}", utc_text(node_->certificate_until_ms))
               : "";
  }
  std::string renewal_text() const {
    return has_ended_certificate()
               ? fmt::format(
                     "; its agent renews the certificate then, and where the hub says that it is too "
                     "late: hivemind node replace {}",
                     node_->id)
               : "";
  }

  // The newest manifest has not been taken.
  void ask_receipt() {
    const v1::Report& report = *node_->report;
    if (report.reason() != v1::REASON_NONE && is_of_agent(report.reason())) return ask_agent();
    add(causes::kNotReceived,
        fmt::format("has received generation {} of its manifest, the newest is {} (revision {})",
                    report.received().generation(), node_->desired.generation,
                    short_revision(node_->desired.revision)),
        "");
  }

  static bool is_of_agent(v1::Reason reason) {
    switch (reason) {
      case v1::REASON_ENGINE_DOWN:
      case v1::REASON_STORE_FAILED:
      case v1::REASON_SIGNATURE_REFUSED:
      case v1::REASON_WRONG_NODE:
      case v1::REASON_OLDER_GENERATION:
      case v1::REASON_MALFORMED:
        return true;
      default:
        return false;
    }
  }

  // What keeps the agent itself from working.
  void ask_agent() {
    const v1::Report& report = *node_->report;
    if (!is_of_agent(report.reason())) return;
    const bool is_foreign = report.reason() == v1::REASON_SIGNATURE_REFUSED && !report.hub_key().empty() &&
                            !status_.trust.has_key(report.hub_key());
    why_.causes.push_back({reason_name(report.reason()), "", "",
                           report.text().empty() ? reason_name(report.reason()) : report.text(),
                           is_foreign ? kForeignKeyRemedy : remedy_of(report.reason(), node_->id, "")});
  }

  // Those that have failed come first, those that are only scheduled last.
  void ask_stacks() {
    const v1::Report& report = *node_->report;
    std::vector<std::pair<int, const v1::StackReport*>> stacks;
    for (const v1::StackReport& stack : report.stacks()) {
      if (!is_asked(stack.stack())) continue;
      const bool waits =
          stack.reason() == v1::REASON_WINDOW_CLOSED || stack.reason() == v1::REASON_CLOCK_UNSET;
      stacks.emplace_back(has_failed(stack) ? 0 : waits ? 2 : 1, &stack);
    }
    std::ranges::stable_sort(stacks, {}, [](const auto& entry) { return entry.first; });
    const std::size_t before = why_.causes.size();
    for (const auto& [rank, stack] : stacks) {
      std::vector<Cause> found = stack_causes(node_->id, *stack);
      why_.causes.insert(why_.causes.end(), std::make_move_iterator(found.begin()),
                         std::make_move_iterator(found.end()));
    }
    ask_unreported();
    if (!question_.stack.empty()) return;
    const bool has_reason = report.reason() != v1::REASON_NONE && report.reason() != v1::REASON_CLOCK_SKEW;
    const bool is_open = report.applied().generation() < node_->desired.generation ||
                         (has_reason && !is_of_agent(report.reason()));
    if (is_open && why_.causes.size() == before) {
      const v1::Reason reason = report.reason() == v1::REASON_NONE ? v1::REASON_APPLYING : report.reason();
      why_.causes.push_back({reason_name(reason), "", "",
                             report.text().empty() ? "steps are under way" : report.text(),
                             remedy_of(reason, node_->id, "")});
    }
  }

  // Received, and nothing is said of it yet; or what is said is about the release before.
  void ask_unreported() {
    for (const auto& [stack, release] : node_->stacks) {
      if (!is_asked(stack)) continue;
      const auto& reports = node_->report->stacks();
      const auto found = std::ranges::find_if(reports, [&](const auto& r) { return r.stack() == stack; });
      if (found != reports.end() && found->desired_digest() == release.digest) continue;
      const bool is_told =
          std::ranges::any_of(why_.causes, [&](const Cause& cause) { return cause.stack == stack; });
      if (!is_told)
        add("applying", fmt::format("stack '{}': its release was received just now", stack), "", stack);
    }
  }

  void add_notes() {
    if (status_.git.state == GitStatus::State::kFailed && !status_.git.revision.empty()) {
      why_.notes.push_back(
          {causes::kFetchFailed, "", "",
           "the repository cannot be read, so there may be a newer revision: " + status_.git.error,
           "see 'hivemind status'"});
    }
    if (node_->report && node_->report->reason() == v1::REASON_NONE && !node_->report->text().empty())
      why_.notes.push_back({causes::kRenewalFailed, "", "", node_->report->text(), "see docs/agent.md"});
    if (!node_->clock_offset_ms || std::abs(*node_->clock_offset_ms) <= kTellingOffsetMs) return;
    const std::int64_t offset = *node_->clock_offset_ms;
    const bool is_set = node_->report && node_->report->vitals().clock_synchronised();
    why_.notes.push_back(
        {std::abs(offset) > kSkewMs ? causes::kClockSkew : causes::kClockOffset, "", "",
         fmt::format("its clock is {} {} the hub's{}", duration_text(std::abs(offset)),
                     offset > 0 ? "ahead of" : "behind", is_set ? "" : ", and nobody sets it"),
         "run an NTP client on the node"});
  }

  const HubStatus& status_;
  const WhyQuestion& question_;
  const Node* node_;
  Why why_;
};

}  // namespace

Why why(const HubStatus& status, const Inventory& inventory, const WhyQuestion& question) {
  return Inquiry(status, inventory, question).answer();
}

}  // namespace hivemind::hub

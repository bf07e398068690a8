// What the hub asks for once: commands.
#include <algorithm>
#include <set>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "agent/agent.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/log.h"
#include "common/report_redaction.h"
#include "common/rethrow.h"

namespace hivemind::agent {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kSessionBytes = 16;
// So many commands of one session are known by their ids; then another session begins.
constexpr std::size_t kMostCommands = 256;

v1::CommandReply reply_to(const std::string& id, v1::CommandReply::Outcome outcome, std::string text) {
  v1::CommandReply reply;
  reply.set_id(id);
  reply.set_outcome(outcome);
  reply.set_text(std::move(text));
  return reply;
}

v1::CommandReply::Outcome outcome_of(const Error& error) {
  return error.code() == ErrorCode::kConflict ? v1::CommandReply::CONFLICT : v1::CommandReply::FAILED;
}

// Names of the stacks, of the one that was asked for or of all, that this holds for.
template <typename Holds>
std::set<std::string> stacks_that(const NodeStanding& standing, const std::string& asked, Holds holds) {
  std::set<std::string> names;
  for (const v1::StackReport& stack : standing.stacks) {
    if ((asked.empty() || stack.stack() == asked) && holds(stack)) names.insert(stack.stack());
  }
  return names;
}

}  // namespace

// Commands of any session before are refused from now on, also those that were done already: nothing of them
// needs to be remembered.
void Agent::begin_session() {
  commands_.session = random_hex(kSessionBytes);
  commands_.done.clear();
}

void Agent::on_command(const std::string& envelope) {
  commands_.now_ms = synchronised_clock_ms();
  if (!follow_hub_key(kCommandKind, envelope)) return;
  CommandJudgement judgement = judge_command(envelope, trusted_.key(), commands_);
  if (auto* accepted = std::get_if<AcceptedCommand>(&judgement)) {
    commands_.done.insert(accepted->command.id());
    if (commands_.done.size() >= kMostCommands) {
      begin_session();
      report_soon();
    }
    asio::co_spawn(loop_, obey(std::move(accepted->command)), rethrow);
  } else if (const auto* refused = std::get_if<RefusedCommand>(&judgement)) {
    log::warn("command '{}' refused: {}", refused->id, refused->text);
    reply(reply_to(refused->id, v1::CommandReply::REFUSED, refused->text));
  } else {
    log::warn("{}", std::get<DroppedCommand>(judgement).text);
  }
}

asio::awaitable<void> Agent::obey(v1::Command command) {
  const auto self = shared_from_this();
  v1::CommandReply reply = reply_to(command.id(), v1::CommandReply::DONE, "");
  try {
    if (command.has_adopt()) co_await take_over(command.adopt(), reply);
    if (command.has_retry()) retry(command.retry(), reply);
    if (command.has_apply_now()) apply_now(command.apply_now(), reply);
    if (command.has_purge()) co_await purge(command.purge(), reply);
  } catch (const Error& error) {
    reply.set_outcome(outcome_of(error));
    reply.set_text(error.what());
  }
  if (reply.outcome() != v1::CommandReply::DONE)
    log::warn("command '{}' not done: {}", command.id(), reply.text());
  this->reply(std::move(reply));
}

void Agent::reply(v1::CommandReply reply) {
  redact(reply, *vault_->redactor());
  link_->publish_reply(std::move(reply));
}

// Both references live in obey(), which awaits this.
asio::awaitable<void> Agent::take_over(const v1::Adopt& command, v1::CommandReply& reply) {
  if (!desired_ || desired_->stack(command.stack()) == nullptr)
    throw Error(ErrorCode::kConflict, "stack '{}' is not in the node's manifest", command.stack());
  if (const auto forbidden = reconciler_->forbidden_in(*desired_->stack(command.stack())))
    throw Error(ErrorCode::kConflict, "stack '{}': {}", command.stack(), *forbidden);
  if (adopting_) throw Error(ErrorCode::kConflict, "another stack is being looked at (try again)");
  const auto desired = desired_;
  std::optional<Error> failure;
  Takeover takeover;
  adopting_ = true;
  try {
    takeover = co_await adopter_.look(desired, command.stack());
  } catch (const Error& error) {
    failure = error;
  }
  adopting_ = false;
  if (failure) throw *failure;
  *reply.mutable_adoption() = takeover.adoption;
  if (command.confirm().empty()) co_return;
  const DesiredStack* now = desired_->stack(command.stack());
  const bool is_as_shown = takeover.adoption.digest() == command.confirm() && now != nullptr &&
                           now->digest == desired->stack(command.stack())->digest;
  if (!is_as_shown) {
    reply.set_outcome(v1::CommandReply::CONFLICT);
    reply.set_text("what would be done is not what was shown: look at it again");
    co_return;
  }
  remember_adopted(takeover, reply);
}

// One write: before it nothing is taken over, after it all of it is, and the next pass goes on from there.
void Agent::remember_adopted(const Takeover& takeover, v1::CommandReply& reply) {
  Adopted adopted = memory_.adopted();
  std::erase_if(adopted, [&](const auto& entry) { return !takeover.present.contains(entry.first); });
  for (const auto& [id, labels] : takeover.adopted) adopted[id] = labels;
  if (!memory_.save_adopted(adopted))
    throw Error(ErrorCode::kExhausted, "the node's store cannot be written: {}", memory_.failure());
  engine_.set_adopted(std::move(adopted));
  reply.mutable_adoption()->set_adopted(true);
  const std::string& stack = takeover.adoption.stack();
  tell({"stack_adopted", stack, "", v1::REASON_NONE, "taken over from docker compose"}, current_revision());
  reconciler_->set_desired(desired_);
}

void Agent::require_desired(const std::string& stack) const {
  if (!desired_) throw Error(ErrorCode::kConflict, "the node has no manifest yet (try again)");
  if (!stack.empty() && desired_->stack(stack) == nullptr)
    throw Error(ErrorCode::kConflict, "stack '{}' is not in the node's manifest", stack);
}

void Agent::retry(const v1::Retry& command, v1::CommandReply& reply) {
  require_desired(command.stack());
  const std::set<std::string> failed = stacks_that(node_standing(), command.stack(), [](const auto& stack) {
    return stack.state() != v1::STATE_RUNNING && stack.reason() != v1::REASON_NONE;
  });
  reconciler_->retry(command.stack());
  reply.set_text(failed.empty() ? "nothing has failed here"
                                : fmt::format("tried again: {}", fmt::join(failed, ", ")));
  if (!failed.empty()) log::info("an operator has asked for a retry: {}", reply.text());
}

void Agent::apply_now(const v1::ApplyNow& command, v1::CommandReply& reply) {
  require_desired(command.stack());
  const std::set<std::string> waiting = stacks_that(node_standing(), command.stack(), [](const auto& stack) {
    return stack.reason() == v1::REASON_WINDOW_CLOSED || stack.reason() == v1::REASON_CLOCK_UNSET;
  });
  reconciler_->open_window(command.stack());
  reply.set_text(waiting.empty() ? "nothing waits for a window here"
                                 : fmt::format("applied now: {}", fmt::join(waiting, ", ")));
  if (!waiting.empty()) log::info("an operator has opened the window: {}", reply.text());
}

// Both references live in obey(), which awaits this.
asio::awaitable<void> Agent::purge(const v1::Purge& command, v1::CommandReply& reply) {
  if (purging_) throw Error(ErrorCode::kConflict, "another purge is under way (try again)");
  std::optional<Error> failure;
  purging_ = true;
  try {
    v1::Purged shown = co_await purge_.look(command.stack());
    const bool is_confirmed = !command.confirm().empty() && shown.digest() == command.confirm();
    *reply.mutable_purged() = shown;
    if (is_confirmed) {
      co_await purge_.remove(shown);
      reply.mutable_purged()->set_removed(true);
      tell({"stack_purged", command.stack(), "", v1::REASON_NONE,
            fmt::format("{} volumes and {} directories are removed", shown.volumes_size(),
                        shown.directories_size())},
           current_revision());
    } else if (!command.confirm().empty() && !shown.digest().empty()) {
      reply.set_outcome(v1::CommandReply::CONFLICT);
      reply.set_text("what would be removed is not what was shown: look at it again");
    }
  } catch (const Error& error) {
    failure = error;
  }
  purging_ = false;
  if (!failure) co_return;
  reply.clear_purged();
  throw *failure;
}

// What a crash in the middle of a comparison has left.
void Agent::sweep_scratch() {
  if (swept_ || adopting_ || !reconciler_->standing().observed_once) return;
  swept_ = true;
  asio::co_spawn(
      loop_,
      [](std::shared_ptr<Agent> self) -> asio::awaitable<void> {
        try {
          co_await self->adopter_.sweep(self->identity_.node);
        } catch (const Error& error) {
          log::warn("scratch containers not looked for: {}", error.what());
        }
      }(shared_from_this()),
      rethrow);
}

}  // namespace hivemind::agent

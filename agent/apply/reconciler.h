#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/apply/executor.h"
#include "agent/apply/images.h"
#include "agent/apply/pulls.h"
#include "agent/apply/step_runner.h"
#include "agent/engine/engine.h"
#include "agent/plan/jobs.h"
#include "agent/plan/planner.h"
#include "agent/plan/policy.h"
#include "agent/plan/report.h"
#include "agent/plan/targets.h"
#include "agent/plan/trial.h"
#include "common/backoff.h"
#include "common/defaults.h"

namespace hivemind::agent {

// Something that happened and that people want to hear of; becomes an event.
struct Happening {
  std::string kind;
  std::string stack;
  std::string service;
  v1::Reason reason = v1::REASON_NONE;
  std::string text;
};

// What the newest pass found.
struct Standing {
  std::shared_ptr<const Desired> desired;    // none: no manifest yet
  std::shared_ptr<const Desired> effective;  // what the plan was made for; see targets.h
  Targets targets;
  std::optional<EngineInfo> engine;  // as last seen
  bool observed_once = false;
  bool settled = false;  // the plan was made for all stacks, and has no steps
  Observed observed;
  Plan plan;
  v1::Reason engine_reason =
      v1::REASON_NONE;  // anything else: the engine cannot be worked with, the rest is old
  std::string engine_text;
};

// Keeps the engine as the newest manifest wants it: observe, plan, apply, and again. A pass starts on a new
// manifest, on the engine's events, when waiting ends, and every minute. Each stack's steps run by
// themselves: a pass plans for the others meanwhile.
//
// Loop thread. The engine must outlive the loop's last turn. Errors of the engine never come out: they are
// waited out.
class Reconciler : public std::enable_shared_from_this<Reconciler> {
 public:
  struct Options {
    std::filesystem::path data_directory;                                   // absolute
    std::filesystem::path secrets_directory = defaults::kSecretsDirectory;  // absolute
    std::string node = {};  // names what is of this agent there
    std::shared_ptr<Vault> vault = std::make_shared<Vault>();
    std::chrono::milliseconds observe_every{60'000};
    // Unix time by which windows are kept; nothing: nobody has set the clock. Absent: the system's clock.
    std::function<std::optional<std::int64_t>()> window_clock = {};
    unsigned parallel_pulls = 1;
    std::optional<std::int64_t> disk_reserve_bytes = {};  // as Pulls::Options::reserve_bytes
    Policy policy = {};
  };
  struct Callbacks {
    std::function<void()> on_standing;  // standing() has changed
    std::function<void(Happening)> on_happening;
    // What must survive a restart has changed: good, failed, trials, jobs, completed, hooked or pulled of
    // past().
    std::function<void()> on_past;
    // Whether good and jobs of past() are on the disk as it is now. Absent: it always is.
    std::function<bool()> is_saved = {};
    // The content of a file of a good release. Absent or nothing: it is not there any more.
    std::function<std::optional<std::string>(const std::string& sha256)> content = {};
    // Likewise, a secret of one, by its id.
    std::function<std::optional<SealedSecret>(const std::string& id)> sealed = {};
  };

  Reconciler(boost::asio::any_io_executor loop, Engine& engine, Options options, Past past,
             Callbacks callbacks);

  void start();
  // Takes effect at the next pass, which is at once; stacks whose steps are under way follow when these are
  // done.
  void set_desired(std::shared_ptr<const Desired> desired);

  // What a store that could be opened only now holds besides.
  void recall(Past stored);
  // What is_saved() says may have changed.
  void saved();
  // Forgets that releases of the stack (empty: of all) failed here, and what waits for its next attempt.
  void retry(const std::string& stack);
  // Has what the stack (empty: all) is to run now be applied once without waiting for its window.
  void open_window(const std::string& stack);

  const Standing& standing() const { return standing_; }
  Findings findings() const {
    return {*standing_.desired,        standing_.observed, past_, standing_.plan, busy_,
            standing_.effective.get(), &standing_.targets};
  }
  const Past& past() const { return past_; }
  // What of the release the node's policy forbids; nothing: it may run here.
  std::optional<std::string> forbidden_in(const DesiredStack& stack) const;

 private:
  using Clock = std::chrono::steady_clock;

  // reconciler.cpp: the loop.
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<void> wait_until_due();
  boost::asio::awaitable<void> pass();
  boost::asio::awaitable<bool> look();
  boost::asio::awaitable<void> decide(std::shared_ptr<const Desired> desired, std::set<std::string> busy);
  boost::asio::awaitable<void> answer(Questions questions, std::shared_ptr<Answers> answers);
  boost::asio::awaitable<void> run_stack(std::string stack, std::vector<Step> steps,
                                         std::shared_ptr<Occasion> occasion);
  boost::asio::awaitable<void> run_step(std::shared_ptr<Occasion> occasion, Step step);
  void launch(const std::set<std::string>& busy);
  void engine_lost(const Error& error);
  void trigger(std::chrono::milliseconds delay = {});

  // reconciler_watch.cpp: the engine's events.
  boost::asio::awaitable<void> watch();
  void on_event(const EngineEvent& event);
  void on_container_event(const EngineEvent& event);

  // reconciler_records.cpp: what is learnt from steps and passes.
  void record(const std::string& stack, const std::vector<Step>& steps, const std::vector<Outcome>& outcomes,
              const Occasion& occasion);
  void note_before(const Step& step);
  void note_after(const Occasion& occasion, const Step& step);
  void note_pull(const std::string& key, std::int64_t at_s);
  void record_failure(const Step& step, const Error& error, const Desired& desired);
  void record_attempt(const Step& step, const Desired& desired);
  void tell(const std::string& stack, const std::vector<Step>& steps, const std::vector<Outcome>& outcomes);
  void forget_settled(const std::set<std::string>& busy);

  // reconciler_releases.cpp: which release runs.
  struct Decision {
    Targets targets;
    std::shared_ptr<const Desired> effective;
    Plan plan;
  };
  Decision choose(std::shared_ptr<const Desired> desired, const std::set<std::string>& fetched);
  bool load_good_stacks(const Desired& desired, const Targets& targets);
  std::shared_ptr<const DesiredStack> good_stack(const DesiredStack& wanted, const GoodRelease& good) const;
  std::shared_ptr<const Contents> contents_for(const DesiredStack& stack, const DesiredStack& wanted) const;
  std::shared_ptr<const Desired> effective_of(std::shared_ptr<const Desired> desired, const Targets& targets);
  void forget_unwanted(const Desired& desired);
  void watch_for_windows();

  // reconciler_policy.cpp: what the node's owner forbids.
  void judge_by_policy(const Desired& desired);

  // reconciler_trials.cpp: what becomes of a release that is new here.
  void begin_trials(const std::set<std::string>& busy);
  boost::asio::awaitable<void> judge_trials(std::shared_ptr<const Desired> desired,
                                            std::set<std::string> busy);
  boost::asio::awaitable<void> fail(std::string stack, TrialFailure failure);
  void settle_trials(const std::set<std::string>& busy);
  bool has_lasted(const DesiredStack& stack, Trial& trial);
  void promote(const DesiredStack& stack);
  void promote_for_want_of_better(const Desired& next);
  void suspend_trials();
  void note_start(const Occasion& occasion, const Step& step);
  void note_refusal(const Step& step, const Trouble& trouble, const Desired& desired);
  void forget_troubles(const std::string& stack);

  // reconciler_jobs.cpp: what runs once for an update.
  boost::asio::awaitable<void> judge_jobs(std::shared_ptr<const Desired> desired, std::set<std::string> busy);
  boost::asio::awaitable<void> settle_job(EndedJob ended);
  void note_job(const Occasion& occasion, const Step& step);
  bool is_saved() const { return !callbacks_.is_saved || callbacks_.is_saved(); }

  // reconciler_files.cpp: files, and why a start failed.
  void prune_files();
  void bring_back_files(const std::set<std::string>& busy);
  void tend_files();
  boost::asio::awaitable<Error> explained(Step step, Error failure);

  // reconciler_secrets.cpp: secrets.
  void learn_secrets();
  void forget_secrets();
  SecretTroubles secret_troubles(const Desired& desired, const Desired& effective) const;
  bool are_in_place(const DesiredStack& stack, const DesiredService& service) const;
  void tend_secrets(const DesiredStack& stack);
  bool prune_secrets(const std::string& stack, const DesiredStack* wanted);

  // reconciler_images.cpp: pulls, and images that nothing needs any more.
  std::shared_ptr<Pulls> make_pulls();
  PullWish wish_for(const PullImage& action, const Desired& effective) const;
  void tend_images();
  boost::asio::awaitable<void> clean_images();

  boost::asio::any_io_executor loop_;
  Engine& engine_;
  Options options_;
  Callbacks callbacks_;
  StepRunner runner_;
  Past past_;
  Images images_;
  std::shared_ptr<Pulls> pulls_;
  Standing standing_;
  std::shared_ptr<const Desired> desired_;
  std::map<std::string, std::string> opened_;  // digests whose windows an operator opened, by stack
  std::map<std::string, std::shared_ptr<const DesiredStack>> good_stacks_;  // those that stand in, by stack
  std::shared_ptr<const Desired> stood_in_;  // the manifest that effective_ was made of
  std::shared_ptr<const Desired> effective_;
  std::map<std::string, std::string> stand_ins_;  // digests of the good releases in effective_, by stack
  std::map<std::string, std::string> refused_;    // what of them the node's policy forbids, by stack
  std::map<std::string, std::shared_ptr<const DesiredStack>> judged_good_;  // as judged by it, by stack
  std::set<std::string> busy_;                                              // stacks with steps under way
  std::set<std::string> unpruned_;             // stacks whose files may hold what is not needed any more
  std::map<std::string, std::string> seeded_;  // digests of good releases whose seeds are theirs, by stack
  std::set<std::string> untended_;  // stacks that had steps since their seeded files were last looked through
  Clock::time_point tend_at_{};     // when all are looked through
  std::string tend_failure_;        // the last one, so that it is logged once
  std::map<std::string, std::string>
      secrets_failures_;                             // the last ones, by subject, so that each is logged once
  std::shared_ptr<const Desired> kept_secrets_for_;  // what secrets were last forgotten for
  std::map<std::string, std::string> kept_secrets_with_;  // digests of good releases then, by stack
  Notices noted_;                                         // as last told by on_past
  // What the images were last cleaned for; differs from the good releases when some are of no more use.
  std::optional<std::map<std::string, std::string>> cleaned_for_;
  Clock::time_point clean_at_{};
  boost::asio::steady_timer timer_;
  Clock::time_point due_;
  Backoff engine_retry_{std::chrono::milliseconds(250), std::chrono::milliseconds(10'000)};
};

}  // namespace hivemind::agent

#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "agent/apply/files.h"
#include "agent/apply/lanes.h"
#include "agent/apply/secret_files.h"
#include "agent/engine/engine.h"
#include "agent/plan/desired.h"
#include "agent/plan/notices.h"
#include "agent/plan/plan.h"

namespace hivemind::agent {

// What the steps of one execution share.
struct Occasion {
  std::shared_ptr<const Desired> desired;
  std::shared_ptr<const Desired> manifest = {};  // what steps of jobs are of
  ApiLevel engine_api;
  std::string log_driver = {};              // the engine's own
  bool fixed_policies = false;              // the engine turned out not to change restart policies
  std::map<std::string, std::string> made;  // ids of the containers that its steps made, by name
  // What its steps have learnt, by subject: the engine's warnings to what they made. Also empty lists: what
  // was known before of the subject is over.
  std::map<std::string, std::vector<Notice>> notices;
};

// Turns one step into its engine call. Pulls are none of its business.
// Loop thread; the engine must outlive it and every step under way.
class StepRunner {
 public:
  StepRunner(boost::asio::any_io_executor loop, Engine& engine, Files files, SecretFiles secret_files,
             std::shared_ptr<Vault> vault);

  // Throws what the engine or the files throw.
  boost::asio::awaitable<void> run(std::shared_ptr<Occasion> occasion, Step step);

  const Files& files() const { return files_; }
  const SecretFiles& secret_files() const { return secret_files_; }
  Vault& vault() const { return *vault_; }

 private:
  boost::asio::awaitable<void> set_policy(std::shared_ptr<Occasion> occasion, std::string id,
                                          std::string policy);
  boost::asio::awaitable<void> create(std::shared_ptr<Occasion> occasion, Step step, CreateContainer action);
  // step_runner_hooks.cpp
  boost::asio::awaitable<void> run_post_start(std::string id, std::vector<Hook> hooks,
                                              std::set<std::string> secrets);
  boost::asio::awaitable<void> run_pre_stop(std::shared_ptr<Occasion> occasion, Step step, std::string id);
  boost::asio::awaitable<void> move(std::shared_ptr<Occasion> occasion, Step step);
  boost::asio::awaitable<void> perform(std::shared_ptr<Occasion> occasion, Step step);

  Engine& engine_;
  Files files_;
  SecretFiles secret_files_;
  std::shared_ptr<Vault> vault_;
  std::shared_ptr<Lanes> quick_;  // the engine gains from about four at a time
  std::shared_ptr<Lanes> slow_;   // a stop may last its whole grace period, and must not hold up the others
};

}  // namespace hivemind::agent

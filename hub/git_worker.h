#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "common/error.h"
#include "hub/desired/compiler.h"
#include "hub/desired/fleet.h"
#include "hub/desired/git/mirror.h"

namespace hivemind::hub {

struct GitTask {
  enum class Fetch { kNo, kYes };
  enum class Compile { kIfNew, kAlways };  // kIfNew: when the newest revision has not been compiled yet
  Fetch fetch = Fetch::kYes;
  Compile compile = Compile::kIfNew;
  // With kAlways, when the newest revision is known already: compile this one. Empty: the newest.
  std::string instead;
  std::vector<NodeIdentity> nodes;
  FleetPins pins;  // made for, or before, the revision below
  // The one that was last acted on; empty: none. It stays in force, whoever has signed it.
  std::string acted;
  std::shared_ptr<const SecretBook> secrets;  // null: they are taken for granted
};

struct GitOutcome {
  bool fetched = false;
  bool changed = false;  // the fetch brought another revision
  std::optional<Error> fetch_error;
  std::string head;              // the newest revision; empty: none
  std::string commit;            // of head, one line for people
  std::string signer;            // of head, where signatures are asked for
  std::string unsigned_because;  // head must be signed, and is not, or not by somebody who may; then it is
                                 // not compiled
  std::optional<Compilation> compilation;
  bool fleet_file_absent = false;                 // in the compiled revision
  std::optional<std::vector<StackEntry>> stacks;  // listed by the compiled revision, when that can be read
  std::map<std::string, Labels, std::less<>> node_labels;  // that it gives to nodes; with stacks
  std::optional<Error> compile_error;
};

// Fetches and compiles on a thread of its own, so that neither a slow network nor a large repository stops
// the loop.
//
// Thread: made and called on the loop thread; one perform() at a time. The destructor interrupts
// a fetch that is under way and waits for the task to end.
class GitWorker {
 public:
  // Throws kInvalid when the URL cannot be used.
  GitWorker(const std::filesystem::path& mirror, git::RemoteOptions remote, std::string directory,
            SignerFiles signers = {});
  ~GitWorker();
  GitWorker(const GitWorker&) = delete;
  GitWorker& operator=(const GitWorker&) = delete;

  // Never throws: what goes wrong is told in the outcome. Resumes on the caller's executor.
  boost::asio::awaitable<GitOutcome> perform(GitTask task);

 private:
  boost::asio::awaitable<GitOutcome> work(GitTask task);
  void fetch(GitOutcome& outcome);
  void verify_head(const GitTask& task, GitOutcome& outcome);
  std::string to_compile(const GitTask& task, const GitOutcome& outcome) const;
  void compile(const std::string& revision, const GitTask& task, GitOutcome& outcome);
  std::optional<std::set<std::string>> changed_paths(const std::string& from, const std::string& to) const;

  // Touched by the worker thread alone once it has been constructed.
  git::Mirror mirror_;
  std::string directory_;
  SignerFiles signers_;
  std::string verified_;  // the newest revision whose signature was looked at
  Verdict verdict_;       // on that
  Compiler compiler_;
  std::string compiled_;              // the revision of the compiler's last run
  std::string seen_head_;             // the newest revision that was compiled
  boost::asio::thread_pool pool_{1};  // last: its thread ends before what it uses
};

}  // namespace hivemind::hub

#include "tests/support/git_repository.h"

#include <fstream>
#include <map>
#include <stdexcept>
#include <utility>

#include "tests/support/process.h"

namespace hivemind::tests {
namespace {

std::string run_git(std::vector<std::string> arguments) {
  // Nothing that goes on behind the command.
  arguments.insert(arguments.begin(), {"git", "-c", "gc.auto=0", "-c", "maintenance.auto=false"});
  const std::map<std::string, std::string> environment = {
      {"GIT_CONFIG_GLOBAL", "/dev/null"},     {"GIT_CONFIG_NOSYSTEM", "1"},
      {"GIT_AUTHOR_NAME", "Ada Lovelace"},    {"GIT_AUTHOR_EMAIL", "ada@example.com"},
      {"GIT_COMMITTER_NAME", "Ada Lovelace"}, {"GIT_COMMITTER_EMAIL", "ada@example.com"},
      {"GIT_TERMINAL_PROMPT", "0"},           {"LC_ALL", "C"}};
  Outcome outcome = run(arguments, environment);
  if (outcome.exit_code != 0) {
    std::string command;
    for (const std::string& argument : arguments) command += argument + " ";
    throw std::runtime_error(command + "failed: " + outcome.errors + outcome.output);
  }
  if (outcome.output.ends_with('\n')) outcome.output.pop_back();
  return outcome.output;
}

}  // namespace

GitRepository::GitRepository(std::filesystem::path directory, const std::string& branch)
    : directory_(std::move(directory)) {
  std::filesystem::create_directories(directory_);
  run_git({"init", "--quiet", "--initial-branch", branch, directory_.string()});
}

GitRepository& GitRepository::write(const std::string& file, const std::string& content) {
  const std::filesystem::path path = directory_ / file;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream << content;
  if (!stream.flush()) throw std::runtime_error("cannot write " + path.string());
  return *this;
}

GitRepository& GitRepository::make_executable(const std::string& file) {
  std::filesystem::permissions(directory_ / file, std::filesystem::perms::owner_exec,
                               std::filesystem::perm_options::add);
  return *this;
}

GitRepository& GitRepository::link(const std::string& file, const std::string& target) {
  const std::filesystem::path path = directory_ / file;
  std::filesystem::create_directories(path.parent_path());
  std::filesystem::create_symlink(target, path);
  return *this;
}

GitRepository& GitRepository::remove(const std::string& file_or_directory) {
  std::filesystem::remove_all(directory_ / file_or_directory);
  return *this;
}

GitRepository& GitRepository::rename(const std::string& from, const std::string& to) {
  std::filesystem::create_directories((directory_ / to).parent_path());
  std::filesystem::rename(directory_ / from, directory_ / to);
  return *this;
}

std::string GitRepository::commit(const std::string& subject) {
  git({"add", "--all"});
  git({"commit", "--quiet", "--allow-empty", "--message", subject});
  return head();
}

std::string GitRepository::head() {
  return git({"rev-parse", "HEAD"});
}

void GitRepository::make_branch(const std::string& name) {
  git({"checkout", "--quiet", "-b", name});
}

void GitRepository::switch_to(const std::string& branch) {
  git({"checkout", "--quiet", branch});
}

void GitRepository::reset(const std::string& commit) {
  git({"reset", "--quiet", "--hard", commit});
}

void GitRepository::push(const std::string& url, Push how) {
  std::vector<std::string> arguments = {"push", "--quiet"};
  if (how == Push::kForce) arguments.emplace_back("--force");
  arguments.insert(arguments.end(), {url, "HEAD"});
  git(std::move(arguments));
}

std::filesystem::path GitRepository::make_bare(const std::filesystem::path& directory,
                                               const std::string& branch) {
  run_git({"init", "--quiet", "--bare", "--initial-branch", branch, directory.string()});
  return directory;
}

std::string GitRepository::git(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"-C", directory_.string()});
  return run_git(std::move(arguments));
}

}  // namespace hivemind::tests

#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hivemind::tests {

// A Git repository with a work tree, driven by the git command. Independent of the user's configuration.
// Every call throws std::runtime_error with git's own words when git fails.
class GitRepository {
 public:
  // Makes the directory and an empty repository in it.
  explicit GitRepository(std::filesystem::path directory, const std::string& branch = "main");

  const std::filesystem::path& path() const { return directory_; }
  std::string url() const { return "file://" + directory_.string(); }

  // Files of the work tree; directories are made as needed. What they change is recorded by the next
  // commit().
  GitRepository& write(const std::string& file, const std::string& content);
  GitRepository& make_executable(const std::string& file);
  GitRepository& link(const std::string& file, const std::string& target);
  GitRepository& remove(const std::string& file_or_directory);
  GitRepository& rename(const std::string& from, const std::string& to);

  // Commits all that changed, also nothing; returns the commit id.
  std::string commit(const std::string& subject = "change");
  std::string head();

  void make_branch(const std::string& name);  // at the current commit, and switches to it
  void switch_to(const std::string& branch);
  void reset(const std::string& commit);  // moves the current branch, as a force push would

  // Pushes the current branch to another repository.
  enum class Push { kPlain, kForce };
  void push(const std::string& url, Push how = Push::kPlain);
  // Makes an empty bare repository, to be pushed to.
  static std::filesystem::path make_bare(const std::filesystem::path& directory,
                                         const std::string& branch = "main");

  // Any other git command, run in the work tree; returns its output without the last newline.
  std::string git(std::vector<std::string> arguments);

 private:
  std::filesystem::path directory_;
};

}  // namespace hivemind::tests

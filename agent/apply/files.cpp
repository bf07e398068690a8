#include "agent/apply/files.h"

#include <system_error>
#include <utility>

#include "agent/apply/exact_content.h"
#include "agent/apply/seeds.h"

namespace hivemind::agent {

namespace fs = std::filesystem;

Files::Files(fs::path data_directory) : root_(std::move(data_directory)) {}

fs::path Files::stack_directory(const std::string& stack) const {
  return root_ / "stacks" / stack;
}

fs::path Files::source_of(const std::string& stack, const DesiredMount& mount) const {
  const fs::path directory = stack_directory(stack);
  return mount.is_kept() ? Seeds(directory).path_of(mount) : ExactContent(directory).path_of(mount);
}

void Files::place(const DesiredStack& stack, const DesiredMount& mount, const Contents& contents) const {
  const fs::path directory = stack_directory(stack.name);
  if (mount.is_kept()) {
    Seeds(directory).place(stack, mount, contents);
  } else {
    ExactContent(directory).place(mount, contents);
  }
}

std::vector<Notice> Files::tend(const DesiredStack& stack, const Contents& contents) const {
  return Seeds(stack_directory(stack.name)).tend(stack, contents);
}

void Files::prune(const DesiredStack& stack) const {
  std::set<std::string> keep;
  for (const DesiredService& service : stack.services) {
    for (const DesiredMount& mount : service.mounts) {
      if (!mount.is_kept()) keep.insert(ExactContent::name_of(mount));
    }
  }
  ExactContent(stack_directory(stack.name)).keep_only(keep);
}

std::set<std::string> Files::stacks() const {
  std::set<std::string> names;
  std::error_code ignored;  // not there yet: none
  for (fs::directory_iterator entry(root_ / "stacks", ignored), end; entry != end; entry.increment(ignored)) {
    names.insert(entry->path().filename().string());
  }
  return names;
}

}  // namespace hivemind::agent

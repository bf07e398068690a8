#include "hub/desired/git/changes.h"

#include <utility>

namespace hivemind::hub::git {
namespace {

constexpr int kMaxDepth = 500;  // the walk recurses; a deeper tree is an attack

class Comparison {
 public:
  explicit Comparison(const Store& store) : store_(store) {}

  void compare(const git_oid& from, const git_oid& to, const std::string& directory, int depth) {
    if (git_oid_equal(&from, &to) != 0) return;
    limit(depth, directory);
    const Tree before = store_.tree(from);
    const Tree after = store_.tree(to);
    std::size_t b = 0;
    std::size_t a = 0;
    while (true) {
      const git_tree_entry* const old = git_tree_entry_byindex(before.get(), b);  // null past the end
      const git_tree_entry* const now = git_tree_entry_byindex(after.get(), a);
      if (old == nullptr && now == nullptr) return;
      // Git's own order, in which a file and a directory of the same name are two things.
      const int order = old == nullptr ? 1 : now == nullptr ? -1 : git_tree_entry_cmp(old, now);
      if (order == 0) {
        compare_entries(old, now, directory, depth);
      } else {
        add(order < 0 ? old : now, directory, depth);
      }
      b += order <= 0 ? 1 : 0;
      a += order >= 0 ? 1 : 0;
    }
  }

  std::set<std::string> take() { return std::move(changed_); }

 private:
  static bool is_tree(const git_tree_entry* entry) { return git_tree_entry_type(entry) == GIT_OBJECT_TREE; }

  static std::string path_of(const git_tree_entry* entry, const std::string& directory) {
    const std::string name = git_tree_entry_name(entry);
    return directory.empty() ? name : directory + "/" + name;
  }

  static void limit(int depth, const std::string& directory) {
    if (depth > kMaxDepth) {
      throw Error(ErrorCode::kExhausted, "directory '{}' is nested more than {} deep", directory, kMaxDepth);
    }
  }

  void compare_entries(const git_tree_entry* old, const git_tree_entry* now, const std::string& directory,
                       int depth) {
    const git_oid& from = *git_tree_entry_id(old);
    const git_oid& to = *git_tree_entry_id(now);
    if (is_tree(old) && is_tree(now)) {
      if (git_oid_equal(&from, &to) == 0) compare(from, to, path_of(old, directory), depth + 1);
    } else if (git_oid_equal(&from, &to) == 0 ||
               git_tree_entry_filemode(old) != git_tree_entry_filemode(now)) {
      add(old, directory, depth);
      add(now, directory, depth);
    }
  }

  void add(const git_tree_entry* entry, const std::string& directory, int depth) {
    std::string path = path_of(entry, directory);
    if (!is_tree(entry)) {
      changed_.insert(std::move(path));
      return;
    }
    limit(depth, path);
    const Tree tree = store_.tree(*git_tree_entry_id(entry));
    for (std::size_t i = 0; i < git_tree_entrycount(tree.get()); ++i) {
      add(git_tree_entry_byindex(tree.get(), i), path, depth + 1);
    }
  }

  const Store& store_;
  std::set<std::string> changed_;
};

}  // namespace

std::set<std::string> changed_paths(const Store& store, const git_oid& from_tree, const git_oid& to_tree) {
  Comparison comparison(store);
  comparison.compare(from_tree, to_tree, "", 0);
  return comparison.take();
}

}  // namespace hivemind::hub::git

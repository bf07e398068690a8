#include "hub/desired/git/git_snapshot.h"

#include <algorithm>
#include <utility>

namespace hivemind::hub::git {
namespace {

bool usable_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos;
}

bool usable_path(std::string_view path) {
  if (path.empty() || path.find('\0') != std::string_view::npos) return false;
  while (true) {
    const std::size_t slash = path.find('/');
    if (!usable_name(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

EntryKind kind_of(git_filemode_t mode) {
  switch (mode) {
    case GIT_FILEMODE_TREE:
      return EntryKind::kDirectory;
    case GIT_FILEMODE_BLOB:
      return EntryKind::kFile;
    case GIT_FILEMODE_BLOB_EXECUTABLE:
      return EntryKind::kExecutable;
    case GIT_FILEMODE_LINK:
      return EntryKind::kSymlink;
    case GIT_FILEMODE_COMMIT:
      return EntryKind::kSubmodule;
    default:
      return EntryKind::kAbsent;
  }
}

}  // namespace

GitSnapshot::GitSnapshot(std::shared_ptr<const Store> store, const git_oid& commit)
    : store_(std::move(store)),
      revision_(hex(commit)),
      root_(store_->tree_of(store_->commit(commit).get())) {}

TreeEntry GitSnapshot::find(const std::string& path) const {
  if (!usable_path(path)) return nullptr;
  git_tree_entry* entry = nullptr;
  const int result = git_tree_entry_bypath(&entry, root_.get(), path.c_str());
  if (result == GIT_ENOTFOUND) {
    // Said of a name that is not there, and of a tree on the way to it that the store has lost.
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return nullptr;
    const TreeEntry parent = find(path.substr(0, slash));
    if (parent && git_tree_entry_type(parent.get()) == GIT_OBJECT_TREE)
      store_->tree(*git_tree_entry_id(parent.get()));
    return nullptr;
  }
  if (result < 0) store_->fail(result, fmt::format("git mirror: '{}'", path));
  return TreeEntry(entry);
}

Entry GitSnapshot::entry(std::string_view path) const {
  Entry result{std::string(path), EntryKind::kAbsent, ""};
  if (path.empty()) {
    result.kind = EntryKind::kDirectory;
    result.id = hex(*git_tree_id(root_.get()));
  } else if (const TreeEntry found = find(result.path)) {
    result.kind = kind_of(git_tree_entry_filemode(found.get()));
    result.id = hex(*git_tree_entry_id(found.get()));
  }
  return result;
}

std::vector<Entry> GitSnapshot::list(std::string_view directory) const {
  git_oid id = *git_tree_id(root_.get());
  if (!directory.empty()) {
    const TreeEntry found = find(std::string(directory));
    if (!found || git_tree_entry_type(found.get()) != GIT_OBJECT_TREE) return {};
    id = *git_tree_entry_id(found.get());
  }
  const Tree tree = store_->tree(id);
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < git_tree_entrycount(tree.get()); ++i) {
    const git_tree_entry* const found = git_tree_entry_byindex(tree.get(), i);
    const std::string name = git_tree_entry_name(found);
    if (!usable_name(name)) continue;
    std::string path = directory.empty() ? name : std::string(directory) + "/" + name;
    entries.push_back(
        {std::move(path), kind_of(git_tree_entry_filemode(found)), hex(*git_tree_entry_id(found))});
  }
  // Git sorts a directory as if its name ended with '/'.
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.path < b.path; });
  return entries;
}

std::string GitSnapshot::read(std::string_view path, std::size_t max_bytes) const {
  const std::string name(path);
  const TreeEntry found = find(name);
  if (!found || git_tree_entry_type(found.get()) != GIT_OBJECT_BLOB) {
    throw Error(ErrorCode::kNotFound, "'{}' is not a file of revision '{}'", name, revision_);
  }
  const std::string context = fmt::format("git mirror: '{}'", name);
  git_odb* odb = nullptr;
  check(git_repository_odb(&odb, store_->repository()), context);
  const Odb owned(odb);
  std::size_t size = 0;  // known before the content is unpacked, which an attacker could have made huge
  git_object_t type = GIT_OBJECT_INVALID;
  int result = git_odb_read_header(&size, &type, odb, git_tree_entry_id(found.get()));
  if (result < 0) store_->fail(result, context);
  if (size > max_bytes) {
    throw Error(ErrorCode::kExhausted, "file '{}' has {} bytes, more than {}", name, size, max_bytes);
  }
  git_blob* blob = nullptr;
  result = git_blob_lookup(&blob, store_->repository(), git_tree_entry_id(found.get()));
  if (result < 0) store_->fail(result, context);
  const Blob content(blob);
  return {static_cast<const char*>(git_blob_rawcontent(blob)),
          static_cast<std::size_t>(git_blob_rawsize(blob))};
}

}  // namespace hivemind::hub::git

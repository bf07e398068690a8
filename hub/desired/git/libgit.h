#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <git2.h>

#include "common/error.h"

// What every file of the libgit2 adapter shares: ownership of its objects, and its errors as ours.
// Works with libgit2 1.5 (Debian 12) to 1.9 (Debian 13).
namespace hivemind::hub::git {

template <auto Free>
struct Freer {
  void operator()(auto* object) const { Free(object); }
};

template <typename Object, auto Free>
using Owned = std::unique_ptr<Object, Freer<Free>>;

using Repository = Owned<git_repository, git_repository_free>;
using Reference = Owned<git_reference, git_reference_free>;
using Remote = Owned<git_remote, git_remote_free>;
using Commit = Owned<git_commit, git_commit_free>;
using Tree = Owned<git_tree, git_tree_free>;
using TreeEntry = Owned<git_tree_entry, git_tree_entry_free>;
using Blob = Owned<git_blob, git_blob_free>;
using Odb = Owned<git_odb, git_odb_free>;
using Walk = Owned<git_revwalk, git_revwalk_free>;
using PackBuilder = Owned<git_packbuilder, git_packbuilder_free>;

// Held as long as anything of libgit2 is used; the library counts its holders.
class Library {
 public:
  Library();
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
};

// libgit2's last error on this thread: its words, and what the caller can do about it.
struct Failure {
  ErrorCode code = ErrorCode::kInternal;
  std::string words;
};
Failure failure(int result);

// Throws the last error as ours, "context: libgit2's words".
[[noreturn]] void fail(int result, std::string_view context);

inline void check(int result, std::string_view context) {
  if (result < 0) fail(result, context);
}

std::string hex(const git_oid& id);
bool parse_id(git_oid& id, const std::string& hex);

}  // namespace hivemind::hub::git

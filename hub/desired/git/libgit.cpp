#include "hub/desired/git/libgit.h"

#include <cerrno>
#include <cstring>

namespace hivemind::hub::git {
namespace {

constexpr std::size_t kHexDigits = 40;  // of a SHA-1; the constant of libgit2 has another name in 1.8

bool has(const std::string& words, const char* part) {
  return words.find(part) != std::string::npos;
}

// libgit2 appends strerror() to the errors of system calls; the number itself is lost.
bool says(const std::string& words, int error) {
  return has(words, std::strerror(error));
}

ErrorCode code_of_class(int error_class, const std::string& words) {
  switch (error_class) {
    case GIT_ERROR_NOMEMORY:
      return ErrorCode::kExhausted;
    case GIT_ERROR_NET:
    case GIT_ERROR_SSL:
    case GIT_ERROR_SSH:
      // The words of git-upload-pack and of the well-known hosts, which come over SSH as text only.
      if (has(words, "not appear to be a git repository") || has(words, "epository not found")) {
        return ErrorCode::kNotFound;
      }
      if (has(words, "authenticate")) return ErrorCode::kDenied;
      return ErrorCode::kUnavailable;
    case GIT_ERROR_HTTP:
      if (has(words, "404") || has(words, "410")) return ErrorCode::kNotFound;
      if (has(words, "401") || has(words, "403") || has(words, "authentication")) return ErrorCode::kDenied;
      return ErrorCode::kUnavailable;
    case GIT_ERROR_OS:
    case GIT_ERROR_FILESYSTEM:
      if (says(words, EACCES) || says(words, EPERM)) return ErrorCode::kDenied;
      return ErrorCode::kUnavailable;
    case GIT_ERROR_INVALID:
      return ErrorCode::kInternal;
    default:
      return ErrorCode::kCorrupt;  // object, pack, reference, index, zlib: what is stored is not what was
                                   // written
  }
}

ErrorCode code_of(int result, int error_class, const std::string& words) {
  for (const int full : {ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM}) {
    if (says(words, full)) return ErrorCode::kExhausted;
  }
  switch (result) {
    case GIT_EAUTH:
    case GIT_ECERTIFICATE:
    case GIT_EOWNER:
      return ErrorCode::kDenied;
    case GIT_ENOTFOUND:
      return ErrorCode::kNotFound;
    case GIT_EMISMATCH:
      return ErrorCode::kCorrupt;
    case GIT_EINVALIDSPEC:
      return ErrorCode::kInvalid;
    default:
      return code_of_class(error_class, words);
  }
}

}  // namespace

Library::Library() {
  if (git_libgit2_init() < 0) throw Error(ErrorCode::kInternal, "libgit2 cannot be initialised");
  git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);  // a revision that is named must survive a power cut
#if LIBGIT2_VER_MAJOR > 1 || LIBGIT2_VER_MINOR >= 7
  git_libgit2_opts(GIT_OPT_SET_SERVER_CONNECT_TIMEOUT,
                   15'000);  // ms; older ones are interrupted by Interrupter
#endif
}

Library::~Library() {
  git_libgit2_shutdown();
}

Failure failure(int result) {
  const git_error* const last = git_error_last();
  Failure failure;
  failure.words =
      last == nullptr || last->message == nullptr ? fmt::format("libgit2 error {}", result) : last->message;
  failure.code = code_of(result, last == nullptr ? GIT_ERROR_NONE : last->klass, failure.words);
  return failure;
}

void fail(int result, std::string_view context) {
  const Failure last = failure(result);
  throw Error(last.code, "{}: {}", context, last.words);
}

std::string hex(const git_oid& id) {
  char text[kHexDigits + 1] = {};
  git_oid_tostr(text, sizeof text, &id);
  return text;
}

bool parse_id(git_oid& id, const std::string& text) {
  return text.size() == kHexDigits && git_oid_fromstr(&id, text.c_str()) == 0;
}

}  // namespace hivemind::hub::git

#include "hub/desired/git/mirror.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <mutex>
#include <utility>

#include "common/digest.h"
#include "common/log.h"
#include "hub/desired/git/changes.h"
#include "hub/desired/git/git_snapshot.h"
#include "hub/desired/git/interrupter.h"
#include "hub/desired/git/store.h"
#include "hub/desired/git/upstream.h"

namespace hivemind::hub::git {
namespace {

constexpr const char* kPrevious = "refs/hivemind/previous";  // keeps what the hub may still compare with
constexpr std::size_t kMaxDescription = 200;

// Another address or branch has another name, so its revision is never taken for one of ours.
std::string reference_of(const RemoteOptions& options) {
  return "refs/hivemind/" + sha256_hex(redacted(options.url) + '\n' + options.branch).substr(0, 16);
}

git_oid id_of(const std::string& revision) {
  git_oid id;
  if (!parse_id(id, revision))
    throw Error(ErrorCode::kNotFound, "'{}' is not a commit id (40 hex digits)", revision);
  return id;
}

void require_branch_name(const std::string& branch) {
  int valid = 0;
  const std::string name = "refs/heads/" + branch;
  check(git_reference_name_is_valid(&valid, name.c_str()), "git branch");
  if (valid == 0 || branch.empty())
    throw Error(ErrorCode::kInvalid, "git branch '{}' is no name of a branch", branch);
}

// Of the numbered directories below this one; 0 when there is none.
int newest_number(const std::filesystem::path& directory) {
  int newest = 0;
  std::error_code ignored;  // no directory: nothing in it
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    const std::string name = entry.path().filename();
    int number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && *end == '\0') newest = std::max(newest, number);
  }
  return newest;
}

std::string day_of(const git_time& when) {
  const std::time_t local = static_cast<std::time_t>(when.time) + std::time_t{when.offset} * 60;
  std::tm parts{};
  if (::gmtime_r(&local, &parts) == nullptr) return "";
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

// Names and subjects are anybody's; a terminal must not obey them.
std::string printable(std::string text) {
  std::erase_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (text.size() <= kMaxDescription) return text;
  std::size_t end = kMaxDescription;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside a character
  return text.substr(0, end) + "…";
}

}  // namespace

class Mirror::Impl {
 public:
  Impl(std::filesystem::path directory, RemoteOptions options)
      : directory_(std::move(directory)), options_(std::move(options)), reference_(reference_of(options_)) {}

  FetchResult fetch();
  std::optional<std::string> head();
  std::shared_ptr<const Store> store();
  void cancel();

 private:
  FetchResult fetch_from(const RemoteUrl& url, Interrupter& interrupter);
  std::optional<git_oid> readable_head() const;
  void require_readable(const git_oid& commit) const;
  void open();
  void create();
  std::filesystem::path repository_directory() const { return directory_ / std::to_string(number_); }
  void set_aside(const std::string& why);
  void record(const std::optional<git_oid>& before, const git_oid& tip);

  const std::filesystem::path directory_;
  const RemoteOptions options_;
  const std::string reference_;
  Library library_;
  // The repository stands in a numbered directory below ours, and one that is fetched anew in one with
  // another number: libgit2 keeps open packs by their path (mwindow.c), and a snapshot may still hold those
  // of the corrupt one.
  int number_ = 0;
  std::shared_ptr<Store> store_;

  std::mutex mutex_;  // guards what follows; cancel() comes from another thread
  bool cancelled_ = false;
  Interrupter* fetching_ = nullptr;
};

// Opens what is there; nothing stays nothing.
void Mirror::Impl::open() {
  if (store_) return;
  number_ = std::max(number_, newest_number(directory_));
  if (number_ > 0) store_ = Store::open(repository_directory());
}

void Mirror::Impl::create() {
  ++number_;
  store_ = Store::create(repository_directory());
}

std::shared_ptr<const Store> Mirror::Impl::store() {
  open();
  if (!store_) throw Error(ErrorCode::kNotFound, "the git mirror is empty (nothing was fetched yet)");
  return store_;
}

std::optional<std::string> Mirror::Impl::head() {
  try {
    open();
    const std::optional<git_oid> id = store_ ? readable_head() : std::nullopt;
    return id ? std::optional(hex(*id)) : std::nullopt;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCorrupt) throw;
    return std::nullopt;  // the next fetch makes it anew
  }
}

std::optional<git_oid> Mirror::Impl::readable_head() const {
  const std::optional<git_oid> id = store_->reference(reference_);
  if (id) require_readable(*id);
  return id;
}

void Mirror::Impl::require_readable(const git_oid& id) const {
  git_commit* commit = nullptr;
  if (const int result = git_commit_lookup(&commit, store_->repository(), &id); result < 0) {
    store_->fail(result, fmt::format("git mirror: commit '{}'", hex(id)));
  }
  const Commit owned(commit);
  store_->tree_of(commit);
}

void Mirror::Impl::set_aside(const std::string& why) {
  const std::filesystem::path damaged = repository_directory();
  const std::filesystem::path aside =
      directory_ / "corrupt";  // one is kept, so that they cannot fill the disk
  store_.reset();
  std::error_code error;
  std::filesystem::remove_all(aside, error);
  std::filesystem::rename(damaged, aside, error);
  if (error) {
    throw Error(ErrorCode::kUnavailable, "git mirror '{}' is corrupt and cannot be set aside: {} ({})",
                damaged.string(), error.message(), why);
  }
  log::warn("git mirror '{}' is corrupt, set aside as '{}' and fetched anew: {}", damaged.string(),
            aside.string(), why);
}

FetchResult Mirror::Impl::fetch() {
  const RemoteUrl url = RemoteUrl::parse(options_.url);
  require_branch_name(options_.branch);
  Interrupter interrupter(options_.timeout);
  const std::unique_ptr<Impl, void (*)(Impl*)> registration(this, [](Impl* self) {
    const std::scoped_lock lock(self->mutex_);
    self->fetching_ = nullptr;
  });
  {
    const std::scoped_lock lock(mutex_);
    if (cancelled_)
      throw Error(ErrorCode::kUnavailable, "git remote '{}': the fetch was cancelled", url.shown);
    fetching_ = &interrupter;
  }
  if (url.transport == RemoteUrl::Transport::kSsh) interrupter.watch_peer(url.host, url.port);
  if (store_ && store_->suspect()) set_aside("an object could not be read");
  try {
    return fetch_from(url, interrupter);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCorrupt) throw;
    set_aside(error.what());
  }
  return fetch_from(url, interrupter);
}

FetchResult Mirror::Impl::fetch_from(const RemoteUrl& url, Interrupter& interrupter) {
  open();
  if (!store_) create();
  const std::optional<git_oid> before = readable_head();
  Watch watch(interrupter, store_->directory().string());
  const std::unique_ptr<Upstream> upstream = connect(store_->repository(), url, options_, watch);
  const git_oid tip = upstream->tip(options_.branch);
  if (before && git_oid_equal(&*before, &tip) != 0) return {hex(tip), false};
  upstream->download(options_.branch, tip);
  require_readable(tip);
  record(before, tip);
  return {hex(tip), true};
}

void Mirror::Impl::record(const std::optional<git_oid>& before, const git_oid& tip) {
  if (before) store_->set_reference(kPrevious, *before);
  store_->set_reference(reference_, tip);
  store_->keep_references({reference_, kPrevious});
  try {
    store_->compact();
  } catch (const Error& error) {
    // What was fetched is there all the same; tried again at the next change.
    log::warn("{}", error.what());
  }
}

void Mirror::Impl::cancel() {
  const std::scoped_lock lock(mutex_);
  cancelled_ = true;
  if (fetching_ != nullptr) fetching_->cancel();
}

Mirror::Mirror(std::filesystem::path directory, RemoteOptions options)
    : impl_(std::make_unique<Impl>(std::move(directory), std::move(options))) {}

Mirror::~Mirror() = default;

FetchResult Mirror::fetch() {
  return impl_->fetch();
}

void Mirror::cancel() {
  impl_->cancel();
}

std::optional<std::string> Mirror::head() const {
  return impl_->head();
}

std::shared_ptr<const Snapshot> Mirror::snapshot(const std::string& revision) const {
  return std::make_shared<GitSnapshot>(impl_->store(), id_of(revision));
}

std::set<std::string> Mirror::changed_paths(const std::string& from, const std::string& to) const {
  const std::shared_ptr<const Store> store = impl_->store();
  const Commit before = store->commit(id_of(from));
  const Commit after = store->commit(id_of(to));
  return git::changed_paths(*store, *git_commit_tree_id(before.get()), *git_commit_tree_id(after.get()));
}

CommitSignature Mirror::signature(const std::string& revision) const {
  const std::shared_ptr<const Store> store = impl_->store();
  const git_oid id = id_of(revision);
  store->commit(id);  // so that its absence is told in our words
  git_buf signature = GIT_BUF_INIT, payload = GIT_BUF_INIT;
  git_oid copy = id;
  const int result = git_commit_extract_signature(&signature, &payload, store->repository(), &copy, nullptr);
  CommitSignature found;
  if (result == 0)
    found = {std::string(signature.ptr, signature.size), std::string(payload.ptr, payload.size)};
  git_buf_dispose(&signature);
  git_buf_dispose(&payload);
  if (result < 0 && result != GIT_ENOTFOUND)
    store->fail(result, fmt::format("git mirror: commit '{}'", revision));
  return found;
}

std::string Mirror::describe(const std::string& revision) const {
  git_oid id;
  if (!parse_id(id, revision)) return "";
  try {
    const Commit commit = impl_->store()->commit(id);
    const git_signature* const author = git_commit_author(commit.get());
    const char* const subject = git_commit_summary(commit.get());
    return printable(
        fmt::format("{}, {}: {}", author->name, day_of(author->when), subject == nullptr ? "" : subject));
  } catch (const Error&) {
    return "";  // a line for people: never a reason to fail
  }
}

}  // namespace hivemind::hub::git

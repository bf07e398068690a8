#include "hub/desired/compose/repository.h"

#include <fmt/format.h>

#include "common/digest.h"
#include "common/error.h"

namespace hivemind::hub::compose {
namespace {

constexpr int kMaxLinks = 32;
constexpr int kMaxDepth = 32;

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

}  // namespace

// Every link on the way decides what a path leads to, so a change of one of them concerns the stack.
void Repository::remember(std::string path, int links) {
  paths_.insert(path);
  for (std::size_t end = path.find('/'); links < kMaxLinks; end = path.find('/', end + 1)) {
    const std::string prefix = path.substr(0, end);
    if (snapshot_.entry(prefix).kind == EntryKind::kSymlink) {
      paths_.insert(prefix);
      const std::string target = snapshot_.read(prefix, kMaxTextBytes);
      const std::string rest = end == std::string::npos ? "" : path.substr(end);
      return remember(join_path(directory_of(prefix), target + rest), links + 1);
    }
    if (end == std::string::npos) return;
  }
}

std::optional<Entry> Repository::follow(const std::string& path, const Location& at) {
  try {
    remember(path);
    Entry entry = resolve(snapshot_, path);
    paths_.insert(entry.path);
    return entry;
  } catch (const Error& error) {
    reader_.error(at, "compose.path", error.what());
    return std::nullopt;
  }
}

std::optional<Repository::Found> Repository::find(const std::string& path, const Location& at) {
  std::string asked;
  try {
    asked = join_path(directory_, path);
  } catch (const Error& error) {
    reader_.error(at, "compose.path", error.what());
    return std::nullopt;
  }
  std::optional<Entry> entry = follow(asked, at);
  if (!entry) return std::nullopt;
  return Found{std::move(asked), std::move(*entry)};
}

std::optional<std::string> Repository::text(const Entry& file, const Location& at) {
  return read(file, kMaxTextBytes, "split it", at);
}

std::optional<std::string> Repository::read(const Entry& file, std::size_t max_bytes, std::string_view remedy,
                                            const Location& at) {
  try {
    return snapshot_.read(file.path, max_bytes);
  } catch (const Error& error) {
    const bool large = error.code() == ErrorCode::kExhausted;
    reader_.error(at, "compose.file", error.what(), large ? std::string(remedy) : "");
    return std::nullopt;
  }
}

std::optional<std::string> Repository::ship(const Entry& file, const Location& at) {
  if (const auto known = shipped_.find(file.path); known != shipped_.end()) return known->second;
  if (shipped_.size() >= kMaxReleaseFiles) {
    reader_.error(at, "compose.too-large",
                  fmt::format("the stack mounts more than {} files of the repository", kMaxReleaseFiles),
                  "put them into an image");
    return std::nullopt;
  }
  std::optional<std::string> content =
      read(file, kMaxReleaseBytes, "put it into an image, or fetch it at run time", at);
  if (!content) return std::nullopt;
  std::optional<std::string> sha256 = ship_content(std::move(*content), at);
  if (sha256) shipped_[file.path] = *sha256;
  return sha256;
}

std::optional<std::string> Repository::ship_content(std::string content, const Location& at) {
  std::string sha256 = sha256_hex(content);
  if (files_.contains(sha256)) return sha256;
  if (bytes_ + content.size() > kMaxReleaseBytes) {
    reader_.error(at, "compose.too-large",
                  fmt::format("the files that the stack mounts exceed {} bytes together", kMaxReleaseBytes),
                  "put them into an image");
    return std::nullopt;
  }
  bytes_ += content.size();
  files_[sha256] = std::make_shared<const std::string>(std::move(content));
  return sha256;
}

const SecretBook& Repository::secret_book() const {
  static const AssumedSecrets assumed;
  return secret_book_ != nullptr ? *secret_book_ : assumed;
}

std::string Repository::keep_secret(const std::string& name, std::string value) {
  std::string id = secret_book().id(name, value);
  secrets_.try_emplace(id, std::make_shared<const Secret>(name, std::move(value)));
  return id;
}

std::optional<std::string> Repository::keep_secret(const std::string& name, const Entry& file,
                                                   const Location& at) {
  auto value = read(file, kMaxSecretBytes, "put what is no secret of it into a config", at);
  if (!value) return std::nullopt;
  return keep_secret(name, std::move(*value));
}

std::optional<std::vector<Repository::Leaf>> Repository::walk(const Entry& directory, const Location& at) {
  std::vector<Leaf> leaves;
  if (!walk(directory.path, "", 0, at, leaves)) return std::nullopt;
  return leaves;
}

bool Repository::walk(const std::string& directory, const std::string& prefix, int depth, const Location& at,
                      std::vector<Leaf>& leaves) {
  const auto refuse = [&](std::string_view code, std::string message, std::string remedy = {}) {
    reader_.error(at, code, std::move(message), std::move(remedy));
    return false;
  };
  if (depth > kMaxDepth)
    return refuse("compose.path",
                  fmt::format("directory '{}' is nested too deeply or contains itself", directory));
  paths_.insert(directory);
  for (const Entry& listed : snapshot_.list(directory)) {
    const std::string name = prefix + listed.path.substr(listed.path.rfind('/') + 1);
    const std::optional<Entry> entry = follow(listed.path, at);
    if (!entry) return false;
    if (entry->kind == EntryKind::kAbsent)
      return refuse("compose.path", fmt::format("symlink '{}' leads to nothing", listed.path));
    if (entry->kind == EntryKind::kSubmodule) {
      return refuse("compose.path",
                    fmt::format("'{}' is a submodule, whose files are not in the repository", listed.path));
    }
    if (entry->kind == EntryKind::kDirectory) {
      if (!walk(entry->path, name + "/", depth + 1, at, leaves)) return false;
      continue;
    }
    if (leaves.size() >= kMaxReleaseFiles) {
      return refuse("compose.too-large",
                    fmt::format("the directory holds more than {} files, counted up to '{}'",
                                kMaxReleaseFiles, directory),
                    "mount what is needed of it, or put it into an image");
    }
    leaves.push_back({name, *entry});
  }
  return true;
}

}  // namespace hivemind::hub::compose

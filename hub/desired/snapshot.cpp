#include "hub/desired/snapshot.h"

#include <algorithm>
#include <deque>

#include "common/error.h"

namespace hivemind::hub {
namespace {

constexpr int kMaxLinks = 40;                 // as Linux does (path_resolution(7))
constexpr std::size_t kMaxLinkTarget = 4096;  // PATH_MAX
constexpr std::string_view kRemedy = "name a file in the repository, relative to the file that names it";

// The parts of a path in their order; '.' and empty ones are left out, '..' stays.
std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string path;
  for (const std::string& part : parts) {
    if (!path.empty()) path += '/';
    path += part;
  }
  return path;
}

void refuse_unusable(std::string_view path) {
  if (path.find('\0') != std::string_view::npos) throw Error(ErrorCode::kInvalid, "path holds a zero byte");
  if (path.starts_with('/')) {
    throw Error(ErrorCode::kInvalid, "path '{}' is absolute ({})", path, kRemedy);
  }
}

// One look-up under way: what has been walked, and what is still to be walked.
class Walk {
 public:
  Walk(const Snapshot& snapshot, std::string_view path) : snapshot_(snapshot), asked_(path) {
    refuse_unusable(path);
    push_front(path);
  }

  Entry run() {
    while (!ahead_.empty()) {
      const std::string part = std::move(ahead_.front());
      ahead_.pop_front();
      if (part == "..") {
        step_up();
        continue;
      }
      done_.push_back(part);
      // What lies below something that is no directory is absent; the walk still goes on, so that '..' is
      // judged.
      const Entry found = snapshot_.entry(joined(done_));
      if (found.kind == EntryKind::kSymlink) follow(found);
    }
    return snapshot_.entry(joined(done_));
  }

 private:
  void push_front(std::string_view path) {
    const std::vector<std::string> parts = parts_of(path);
    ahead_.insert(ahead_.begin(), parts.begin(), parts.end());
  }

  void step_up() {
    if (done_.empty())
      throw Error(ErrorCode::kInvalid, "path '{}' leaves the repository ({})", asked_, kRemedy);
    done_.pop_back();
  }

  void follow(const Entry& link) {
    if (++links_ > kMaxLinks) {
      throw Error(ErrorCode::kInvalid, "path '{}' has too many symlinks: '{}' turns in circles", asked_,
                  link.path);
    }
    const std::string target = snapshot_.read(link.path, kMaxLinkTarget);
    if (target.empty() || target.starts_with('/') || target.find('\0') != std::string::npos) {
      throw Error(ErrorCode::kInvalid, "symlink '{}' points out of the repository (make it relative)",
                  link.path);
    }
    done_.pop_back();
    push_front(target);
    if (leaves()) {
      throw Error(ErrorCode::kInvalid, "symlink '{}' to '{}' leaves the repository (point it inside)",
                  link.path, target);
    }
  }

  // Whether the '..' at the front of what is ahead are more than what has been walked.
  bool leaves() const {
    const auto first_other =
        std::find_if(ahead_.begin(), ahead_.end(), [](const auto& p) { return p != ".."; });
    return static_cast<std::size_t>(first_other - ahead_.begin()) > done_.size();
  }

  const Snapshot& snapshot_;
  std::string asked_;
  std::vector<std::string> done_;
  std::deque<std::string> ahead_;
  int links_ = 0;
};

}  // namespace

std::string join_path(std::string_view directory, std::string_view path) {
  refuse_unusable(path);
  std::vector<std::string> result;
  for (std::string_view half : {directory, path}) {
    for (std::string& part : parts_of(half)) {
      if (part != "..") {
        result.push_back(std::move(part));
      } else if (result.empty()) {
        throw Error(ErrorCode::kInvalid, "path '{}' leaves the repository ({})", path, kRemedy);
      } else {
        result.pop_back();
      }
    }
  }
  return joined(result);
}

Entry resolve(const Snapshot& snapshot, std::string_view path) {
  return Walk(snapshot, path).run();
}

}  // namespace hivemind::hub

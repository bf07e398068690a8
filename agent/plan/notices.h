#pragma once

#include <compare>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// What is worth knowing and stands in nobody's way: the notices of a stack's report (proto Notice). Values
// only.
namespace hivemind::agent {

namespace notice_kinds {
inline constexpr const char* kEngineWarning = "engine_warning";
inline constexpr const char* kFileKept = "file_kept";
inline constexpr const char* kVolumeDiffers = "volume_differs";
inline constexpr const char* kHookFailed = "hook_failed";
inline constexpr const char* kStopFirst = "stop_first";
inline constexpr const char* kPostFailed = "post_failed";
}  // namespace notice_kinds

struct Notice {
  std::string stack;
  std::string kind;
  std::string service;  // may be empty
  std::string text;
  auto operator<=>(const Notice&) const = default;
};

// The engine's `Warnings` to one call. They are learnt of the step's subject (plan.h: subject_of), with an
// empty list, too: the new container may have none where the one before it had.
std::vector<Notice> engine_warnings(const std::string& stack, const std::string& service,
                                    const std::vector<std::string>& warnings);

// Notices that outlive the pass in which they were learnt, by what they are about: what is learnt of a
// subject replaces what was known of it. Subjects begin with "<stack>/".
class Notices {
 public:
  // An empty list is news, too: there is nothing to notice any more.
  void learn(const std::string& subject, std::vector<Notice> notices);
  // Forgets the other subjects.
  void keep(const std::function<bool(const std::string& subject)>& is_wanted);

  std::vector<Notice> of_stack(std::string_view stack) const;
  const std::map<std::string, std::vector<Notice>>& by_subject() const { return by_subject_; }
  bool operator==(const Notices&) const = default;

 private:
  std::map<std::string, std::vector<Notice>> by_subject_;
};

// Sorted by kind, service and text, each once; of each kind so many, with a last one that says how many more
// there are; each text cut to a length that fits a report.
std::vector<Notice> presentable(std::vector<Notice> notices);

}  // namespace hivemind::agent

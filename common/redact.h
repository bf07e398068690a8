#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace hivemind {

// Takes known values out of text that leaves the process: logs, reports, events, answers. A value is found as
// it is, inside JSON, in Base64 (at any offset: "user:password" counts), and URL-encoded; of a value with
// several lines each line is, too. What is shorter than kMinRedacted is not looked for: it would be found
// everywhere.
//
// Thread: any; learn() may be called while others redact.
class Redactor {
 public:
  // Bytes of a value, or of a form of it, below which it is left alone. Of a line of several:
  // kMinRedactedLine.
  static constexpr std::size_t kMinRedacted = 4;
  static constexpr std::size_t kMinRedactedLine = 8;
  // Stands in place of what was taken out; what touches or overlaps is one.
  static constexpr std::string_view kMark = "***";

  // From now on these and no others.
  void learn(const std::vector<std::string>& values);

  std::string redact(std::string_view text) const;
  // In place; tells whether there was anything to take out.
  bool redact(std::string* text) const;

 private:
  class Patterns;
  std::shared_ptr<const Patterns> patterns() const;

  mutable std::mutex mutex_;
  std::shared_ptr<const Patterns> patterns_;  // null: none
};

}  // namespace hivemind

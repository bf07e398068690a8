#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "agent/engine/engine.h"
#include "agent/engine/lines.h"
#include "common/error.h"

namespace hivemind::agent {

// What a failed pull means to the caller, from the words of engine and registry: the engine gives most of
// them the status 200 or 500.
ErrorCode code_of_pull_failure(std::string_view words);

// Reads the answer to a pull: one JSON object a line, with the progress of the layers. The status had been
// 200 long before anything could go wrong, so that a failure is a line, too.
class PullStream {
 public:
  PullStream();
  PullStream(const PullStream&) = delete;
  PullStream& operator=(const PullStream&) = delete;

  // Throws the failure that a line tells, or kCorrupt for a line that is no JSON.
  void feed(std::string_view piece) { lines_.feed(piece); }
  void finish() { lines_.finish(); }

  PullProgress progress() const;

 private:
  struct Layer {
    std::int64_t done = 0;
    std::int64_t total = 0;
  };
  void read(std::string_view line);

  Lines lines_;
  std::map<std::string, Layer> layers_;
};

}  // namespace hivemind::agent

#include "common/log.h"

#include <memory>

#include <google/protobuf/stubs/common.h>
#if GOOGLE_PROTOBUF_VERSION < 4022000
#include <google/protobuf/stubs/logging.h>
#endif
#include <spdlog/sinks/stdout_sinks.h>

#include "common/error.h"

namespace hivemind::log {
namespace {

// Protobuf prints a line of its own for every malformed message, which anybody may send. The caller tells it
// once.
void silence_protobuf() {
#if GOOGLE_PROTOBUF_VERSION < 4022000  // later versions log through Abseil, and only what is severe
  google::protobuf::SetLogHandler(nullptr);
#endif
}

}  // namespace

void init(std::string_view level) {
  silence_protobuf();
  const spdlog::level::level_enum parsed = spdlog::level::from_str(std::string(level));
  if (parsed == spdlog::level::off) {
    throw Error(ErrorCode::kInvalid, "log level '{}' is unknown (one of {})", level, kLevels);
  }
  auto logger =
      std::make_shared<spdlog::logger>("hivemind", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-7l %v", spdlog::pattern_time_type::utc);
  logger->set_level(parsed);
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace hivemind::log

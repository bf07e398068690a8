#include "common/log.h"

#include <memory>
#include <mutex>

#include <google/protobuf/stubs/common.h>
#if GOOGLE_PROTOBUF_VERSION < 4022000
#include <google/protobuf/stubs/logging.h>
#endif
#include <spdlog/sinks/stdout_sinks.h>

#include "common/error.h"
#include "common/redact.h"
#include "common/text.h"

namespace hivemind::log {
namespace {

// Protobuf prints a line of its own for every malformed message, which anybody may send. The caller tells it
// once.
void silence_protobuf() {
#if GOOGLE_PROTOBUF_VERSION < 4022000  // later versions log through Abseil, and only what is severe
  google::protobuf::SetLogHandler(nullptr);
#endif
}

// Passes every message on to standard error as one line, without what the redactor knows.
class RedactingSink : public spdlog::sinks::sink {
 public:
  void redact_with(std::shared_ptr<const Redactor> redactor) {
    const std::lock_guard lock(mutex_);
    redactor_ = std::move(redactor);
  }

  void log(const spdlog::details::log_msg& message) override {
    std::shared_ptr<const Redactor> redactor;
    {
      const std::lock_guard lock(mutex_);
      redactor = redactor_;
    }
    std::string text(message.payload.data(), message.payload.size());
    if (redactor) redactor->redact(&text);
    text = one_line(text);
    spdlog::details::log_msg redacted = message;
    redacted.payload = text;
    out_.log(redacted);
  }
  void flush() override { out_.flush(); }
  void set_pattern(const std::string& pattern) override { out_.set_pattern(pattern); }
  void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override {
    out_.set_formatter(std::move(formatter));
  }

 private:
  spdlog::sinks::stderr_sink_mt out_;
  std::mutex mutex_;
  std::shared_ptr<const Redactor> redactor_;  // null: nothing is known
};

}  // namespace

void redact_with(std::shared_ptr<const Redactor> redactor) {
  for (const spdlog::sink_ptr& sink : spdlog::default_logger_raw()->sinks()) {
    if (auto* const redacting = dynamic_cast<RedactingSink*>(sink.get())) redacting->redact_with(redactor);
  }
}

void init(std::string_view level) {
  silence_protobuf();
  const spdlog::level::level_enum parsed = spdlog::level::from_str(std::string(level));
  if (parsed == spdlog::level::off) {
    throw Error(ErrorCode::kInvalid, "log level '{}' is unknown (one of {})", level, kLevels);
  }
  auto logger = std::make_shared<spdlog::logger>("hivemind", std::make_shared<RedactingSink>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-7l %v", spdlog::pattern_time_type::utc);
  logger->set_level(parsed);
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace hivemind::log

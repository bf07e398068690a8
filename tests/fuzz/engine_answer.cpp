#include <functional>

#include "agent/engine/decode.h"
#include "agent/engine/pull_stream.h"
#include "tests/fuzz/fuzz.h"

// The engine's answers are not trusted: whatever comes, it is read or refused with kCorrupt.
namespace hivemind::tests {
namespace {

namespace decode = agent::decode;

void attempt(const std::function<void()>& read) {
  try {
    read();
  } catch (const Error& error) {
    require(error.code() == ErrorCode::kCorrupt, "an answer is refused with another code");
  }
}

void read_bodies(std::string_view body) {
  attempt([&] { decode::version(body); });
  attempt([&] {
    agent::EngineInfo engine;
    decode::info(body, engine);
  });
  attempt([&] { decode::container_ids(body); });
  attempt([&] { decode::listed_containers(body); });
  attempt([&] { decode::images_in_use(body); });
  attempt([&] { decode::published_ports(body); });
  attempt([&] { decode::container(body); });
  attempt([&] { decode::networks(body); });
  attempt([&] { decode::volumes(body); });
  attempt([&] { decode::image_id(body); });
  attempt([&] { decode::images(body); });
  attempt([&] { decode::created(body); });
  attempt([&] { decode::network(body); });
  attempt([&] { decode::network_users(body); });
  attempt([&] { decode::volume(body); });
  attempt([&] { decode::exec_id(body); });
  attempt([&] { decode::exit_code_of_exec(body); });
  attempt([&] { decode::event(body); });
  const std::string refusal = decode::refusal(body);
  for (const char c : refusal) require(static_cast<unsigned char>(c) >= 0x20, "a refusal is not printable");
}

// However the stream is cut, its lines are the same.
void read_lines(std::string_view stream) {
  const auto lines_of = [&](std::size_t piece) {
    std::vector<std::string> found;
    agent::Lines lines([&](std::string_view line) { found.emplace_back(line); });
    for (std::size_t at = 0; at < stream.size(); at += piece) lines.feed(stream.substr(at, piece));
    lines.finish();
    return found;
  };
  const auto whole = lines_of(stream.size() + 1);
  require(lines_of(1) == whole && lines_of(7) == whole, "lines depend on how the stream was cut");
}

void read_pull(std::string_view stream) {
  agent::PullStream pull;
  try {
    for (std::size_t at = 0; at < stream.size(); at += 13) pull.feed(stream.substr(at, 13));
    pull.finish();
  } catch (const Error&) {  // a failure of the pull is told by any code
  }
  const agent::PullProgress progress = pull.progress();
  require(progress.done_bytes >= 0 && progress.total_bytes >= 0, "less than nothing is done");
}

}  // namespace
}  // namespace hivemind::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hivemind;
  const std::string_view bytes = tests::text_of(data, size);
  tests::read_bodies(bytes);
  tests::read_lines(bytes);
  tests::read_pull(bytes);
  return 0;
}

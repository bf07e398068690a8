// The images of DockerEngine.
#include <algorithm>

#include "agent/engine/answers.h"
#include "agent/engine/decode.h"
#include "agent/engine/docker_engine.h"
#include "agent/engine/encode.h"
#include "agent/engine/pull_stream.h"
#include "agent/plan/reference.h"
#include "common/error.h"

namespace hivemind::agent {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

namespace {

constexpr milliseconds kRemoval = 5min;     // a slow card
constexpr milliseconds kPullBegin = 10min;  // the engine says nothing until the registry has answered
constexpr milliseconds kPullIdle = 10min;

http::Request get(std::string target) {
  http::Request request;
  request.target = std::move(target);
  return request;
}

bool is_id(std::string_view text) {
  return text.starts_with("sha256:");
}

// The digest by which the registry of that reference knows the image, else any.
std::string digest_for(const std::string& reference, const std::vector<std::string>& digests) {
  const auto name_of = [](std::string_view text) {
    text = text.substr(0, text.find('@'));
    const auto colon = text.rfind(':');
    const bool has_tag = colon != std::string_view::npos && text.find('/', colon) == std::string_view::npos;
    return has_tag ? text.substr(0, colon) : text;
  };
  const auto same = std::ranges::find_if(
      digests, [&](const std::string& digest) { return name_of(digest) == name_of(reference); });
  if (digests.empty()) return {};
  const std::string& chosen = same == digests.end() ? digests.front() : *same;
  return chosen.substr(chosen.find('@') + 1);
}

}  // namespace

asio::awaitable<std::optional<std::string>> DockerEngine::image_id(std::string reference) {
  const std::string what = fmt::format("look for image '{}'", reference);
  auto request = get("/images/" + ImageReference::parse(reference).lookup() + "/json");
  const auto response = co_await call(what, std::move(request));
  if (response.status == 404) co_return std::nullopt;
  require_ok(what, response);
  co_return decoded(what, decode::image_id, response);
}

asio::awaitable<void> DockerEngine::pull(PullRequest wanted, std::function<void(PullProgress)> on_progress) {
  const std::string what = fmt::format("pull image '{}'", wanted.reference);
  const auto parsed = ImageReference::parse(wanted.reference);
  http::Request request;
  request.method = "POST";
  request.target =
      fmt::format("/images/create?fromImage={}&tag={}{}{}", http::Client::escape(parsed.name),
                  http::Client::escape(parsed.pull_tag()),
                  wanted.platform.empty() ? "" : "&platform=", http::Client::escape(wanted.platform));
  request.timeout = kPullBegin;
  if (wanted.login) request.headers.emplace_back("X-Registry-Auth", encode::registry_auth(*wanted.login));
  PullStream progress;
  const auto on_data = [&progress, &on_progress](std::string_view piece) {
    progress.feed(piece);
    if (on_progress && !piece.empty()) on_progress(progress.progress());
  };
  const auto response = co_await stream(what, std::move(request), on_data, kPullIdle);
  // The same image may be known to its registry by one more digest now.
  digests_.clear();
  if (!response.ok()) {
    const std::string words = decode::refusal(response.body);
    throw Error(code_of_pull_failure(words), "{}: {} (HTTP {})", what, words, response.status);
  }
  try {
    progress.finish();
  } catch (const Error& error) {
    throw redacted(error.within(what));
  }
}

asio::awaitable<std::vector<EngineImage>> DockerEngine::images() {
  const std::string what = "list images";
  auto request = get("/images/json");
  const auto response = co_await call(what, std::move(request));
  require_ok(what, response);
  co_return decoded(what, decode::images, response);
}

asio::awaitable<std::set<std::string>> DockerEngine::images_in_use() {
  const std::string what = "list containers";
  auto request = get("/containers/json?all=1");
  const auto response = co_await call(what, std::move(request));
  require_ok(what, response);
  co_return decoded(what, decode::images_in_use, response);
}

asio::awaitable<void> DockerEngine::remove_image(std::string reference_or_id) {
  const std::string what = fmt::format("remove image '{}'", reference_or_id);
  http::Request request;
  request.method = "DELETE";
  request.target = "/images/" + (is_id(reference_or_id) ? http::Client::escape(reference_or_id)
                                                        : ImageReference::parse(reference_or_id).lookup());
  request.timeout = kRemoval;
  const auto response = co_await call(what, std::move(request));
  if (response.status != 404) require_ok(what, response);
}

// One list when there is an image that was not met before, and none else.
asio::awaitable<void> DockerEngine::add_image_digests(Observed* observed) {
  const auto is_new = [this](const Container& container) { return !digests_.contains(container.image_id); };
  if (std::ranges::any_of(observed->containers, is_new)) {
    std::vector<EngineImage> there;
    try {
      there = co_await images();
    } catch (const Error& error) {
      // Nothing but a line of the report needs it; an engine that is gone shows at the other calls.
      co_return;
    }
    digests_.clear();
    for (const Container& container : observed->containers) digests_[container.image_id];
    for (EngineImage& image : there) {
      const auto used = digests_.find(image.id);
      if (used != digests_.end()) used->second = std::move(image.digests);
    }
  }
  for (Container& container : observed->containers)
    container.image_digest = digest_for(container.image, digests_[container.image_id]);
}

}  // namespace hivemind::agent

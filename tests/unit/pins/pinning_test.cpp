#include "hub/pins/pinning.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include <boost/asio/io_context.hpp>

#include "tests/support/catch.h"

using namespace hivemind;
using namespace hivemind::hub;
using namespace std::chrono_literals;
using tests::ContainsSubstring;

namespace {

Pin pin(char digit) {
  return {"sha256:" + std::string(64, digit), {}};
}

registry::Refusal refusal(ErrorCode code, const std::string& text) {
  return {Error(code, text)};
}

// Registries that answer what the test says, when it says so.
class Registries {
 public:
  void answer(const std::string& repository, registry::Resolution resolution) {
    const std::lock_guard lock(mutex_);
    answers_.insert_or_assign(repository, std::move(resolution));
    changed_.notify_all();
  }
  // The last answer that it was told of.
  std::optional<Pin> known(const std::string& repository) {
    const std::lock_guard lock(mutex_);
    return known_[repository];
  }
  int asked(const std::string& repository) {
    const std::lock_guard lock(mutex_);
    return asked_[repository];
  }
  // Waits for an answer, or until it is cancelled.
  registry::Resolution resolve(const registry::ImageName& name, const Pin* known,
                               const std::atomic<bool>& cancelled) {
    std::unique_lock lock(mutex_);
    known_[name.repository] = known == nullptr ? std::nullopt : std::optional(*known);
    ++asked_[name.repository];
    while (!answers_.contains(name.repository) && !cancelled) changed_.wait_for(lock, 2ms);
    const auto found = answers_.find(name.repository);
    return found == answers_.end() ? refusal(ErrorCode::kUnavailable, "interrupted") : found->second;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, registry::Resolution> answers_;
  std::map<std::string, int> asked_;
  std::map<std::string, std::optional<Pin>> known_;
};

struct Fixture {
  boost::asio::io_context loop;
  Registries registries;
  std::vector<std::string> stored;
  bool store_fails = false;
  int pinned = 0;
  Pinning pinning{
      loop.get_executor(),
      [this](const registry::ImageName& name, const Pin* known, const std::atomic<bool>& cancelled) {
        return registries.resolve(name, known, cancelled);
      },
      {[this](const std::set<std::string>& stacks, const std::string& reference, const Pin& made) {
         if (store_fails) throw Error(ErrorCode::kExhausted, "disk full");
         for (const std::string& stack : stacks)
           stored.push_back(stack + " " + reference + " " + made.digest.substr(7, 1));
       },
       [this] { ++pinned; }, [] {}},
      {.first = 5ms, .longest = 20ms}};

  bool until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!condition() && std::chrono::steady_clock::now() < deadline) {
      loop.run_for(5ms);
      loop.restart();
    }
    return condition();
  }
  std::string text(const std::string& stack, const std::string& reference) {
    Diagnostics diagnostics{{.severity = Severity::kWarning,
                             .code = std::string(kPinPending),
                             .stack = stack,
                             .service = "s",
                             .message = "image '" + reference + "' is not there yet"}};
    pinning.describe(diagnostics);
    return to_text(diagnostics.front());
  }
};

PinRequest request(const std::string& stack, const std::string& reference) {
  return {stack, "s", reference, {}};
}

}  // namespace

TEST_CASE("a reference is asked for once, for all stacks that want it, and stored") {
  Fixture fixture;
  fixture.registries.answer("app", pin('1'));
  fixture.pinning.want({request("web", "x.example/app"), request("db", "x.example/app")});
  CHECK(fixture.pinning.settling());
  REQUIRE(fixture.until([&] { return fixture.pinned > 0; }));
  CHECK(fixture.stored == std::vector<std::string>{"db x.example/app 1", "web x.example/app 1"});
  CHECK(fixture.registries.asked("app") == 1);
  CHECK(fixture.pinning.pins().at("web").at("x.example/app") == pin('1'));
  CHECK_FALSE(fixture.pinning.settling());
}

TEST_CASE("a registry that does not answer keeps no other waiting, and is asked until it does") {
  Fixture fixture;
  fixture.registries.answer("down", refusal(ErrorCode::kUnavailable, "nobody there"));
  fixture.registries.answer("up", pin('1'));
  fixture.pinning.want({request("a", "down.example/down"), request("b", "up.example/up"),
                        request("c", "hangs.example/hangs")});
  REQUIRE(fixture.until([&] { return fixture.registries.asked("down") > 3; }));
  CHECK(fixture.pinning.pins().contains("b"));
  CHECK_THAT(
      fixture.text("a", "down.example/down"),
      ContainsSubstring("warning: stack 'a': service 's': image 'down.example/down' is not resolved to a "
                        "digest: registry 'down.example': nobody there; asked again at"));
  CHECK_THAT(fixture.text("c", "hangs.example/hangs"),
             ContainsSubstring("registry 'hangs.example' is being asked"));
  fixture.registries.answer("down", pin('2'));
  CHECK(fixture.until([&] { return fixture.pinning.pins().contains("a"); }));
}

TEST_CASE("what waiting alone does not mend is an error, and is tried again nevertheless") {
  Fixture fixture;
  fixture.registries.answer("app", refusal(ErrorCode::kNotFound, "it has no 'app:latest'"));
  fixture.pinning.want({request("web", "x.example/app")});
  REQUIRE(fixture.until([&] { return !fixture.pinning.settling(); }));
  CHECK_THAT(fixture.text("web", "x.example/app"), ContainsSubstring("error: stack 'web'"));
  fixture.registries.answer("app", pin('1'));
  CHECK(fixture.until([&] { return fixture.pinned == 1; }));
}

TEST_CASE("an answer to what was asked before a commit is not taken for that commit") {
  Fixture fixture;
  fixture.pinning.want({request("web", "x.example/app")});
  REQUIRE(fixture.until([&] { return fixture.registries.asked("app") == 1; }));
  fixture.pinning.forget({"web"});
  fixture.pinning.want({request("web", "x.example/app")});
  fixture.registries.answer("app", pin('1'));
  REQUIRE(fixture.until([&] { return fixture.pinned > 0; }));
  CHECK(fixture.registries.asked("app") == 2);
}

TEST_CASE("what is wanted no more is asked for no more") {
  Fixture fixture;
  fixture.registries.answer("app", refusal(ErrorCode::kNotFound, "no"));
  fixture.pinning.want({request("web", "x.example/app")});
  REQUIRE(fixture.until([&] { return fixture.registries.asked("app") > 1; }));
  fixture.pinning.want({});
  fixture.loop.run_for(20ms);  // one that was under way may end
  fixture.loop.restart();
  const int asked = fixture.registries.asked("app");
  fixture.registries.answer("app", pin('1'));
  fixture.loop.run_for(50ms);
  CHECK(fixture.registries.asked("app") == asked);
  CHECK(fixture.pinning.pins().empty());
}

TEST_CASE("a pin that cannot be stored is not used") {
  Fixture fixture;
  fixture.store_fails = true;
  fixture.registries.answer("app", pin('1'));
  fixture.pinning.want({request("web", "x.example/app")});
  REQUIRE(fixture.until([&] { return fixture.registries.asked("app") > 1; }));
  CHECK(fixture.pinning.pins().empty());
  CHECK(fixture.pinned == 0);
  fixture.store_fails = false;
  CHECK(fixture.until([&] { return fixture.pinned == 1; }));
}

TEST_CASE("renewing keeps a pin until there is another one") {
  Fixture fixture;
  fixture.pinning.load({{"web", {{"x.example/app", pin('1')}}}, {"db", {{"x.example/same", pin('2')}}}});
  fixture.registries.answer("same", pin('2'));
  fixture.registries.answer("app", refusal(ErrorCode::kUnavailable, "nobody there"));
  fixture.pinning.renew();
  REQUIRE(fixture.until([&] { return fixture.registries.asked("app") > 1; }));
  CHECK(fixture.pinning.pins().at("web").at("x.example/app") == pin('1'));
  Diagnostics said;
  fixture.pinning.describe(said);
  REQUIRE(said.size() == 1);
  CHECK(said[0].stack == "web");
  fixture.registries.answer("app", pin('3'));
  REQUIRE(fixture.until([&] { return fixture.pinned == 1; }));
  CHECK(fixture.pinning.pins().at("web").at("x.example/app") == pin('3'));
  CHECK(fixture.stored == std::vector<std::string>{"web x.example/app 3"});
}

TEST_CASE("it ends while a registry lets it wait") {
  Fixture fixture;
  fixture.pinning.want({request("web", "hangs.example/hangs")});
  CHECK(fixture.until([&] { return fixture.registries.asked("hangs") == 1; }));
}

TEST_CASE("a former answer is known while it is asked for, and no longer") {
  Fixture fixture;
  fixture.pinning.load({{"web", {{"x.example/app", pin('1')}, {"x.example/gone", pin('2')}}}});
  fixture.registries.answer("app", pin('1'));
  fixture.registries.answer("gone", pin('2'));
  fixture.pinning.forget({"web"});
  fixture.pinning.want({request("web", "x.example/app")});
  REQUIRE(fixture.until([&] { return fixture.pinned == 1; }));
  CHECK(fixture.registries.known("app") == pin('1'));

  fixture.pinning.want({request("web", "x.example/gone")});
  REQUIRE(fixture.until([&] { return fixture.pinned == 2; }));
  CHECK(fixture.registries.known("gone") == std::nullopt);
}

TEST_CASE("what is pending in twenty thousand services is described at once") {
  Fixture fixture;
  fixture.registries.answer("app", refusal(ErrorCode::kNotFound, "no such tag"));
  std::set<PinRequest> requests;
  Diagnostics diagnostics;
  for (int i = 0; i < 20'000; ++i) {
    const std::string service = "service-" + std::to_string(i);
    const Location location{"compose.yml", i, 1};
    requests.insert({"web", service, "x.example/app", location});
    diagnostics.push_back({.severity = Severity::kWarning,
                           .code = std::string(kPinPending),
                           .location = location,
                           .stack = "web",
                           .service = service,
                           .message = "image 'x.example/app' is not there yet"});
  }
  fixture.pinning.want(requests);
  REQUIRE(fixture.until([&] { return !fixture.pinning.settling(); }));
  const auto start = std::chrono::steady_clock::now();
  fixture.pinning.describe(diagnostics);
  CHECK(std::chrono::steady_clock::now() - start < 1s);
  for (const Diagnostic& one : {diagnostics.front(), diagnostics.back()})
    CHECK_THAT(one.message, ContainsSubstring("no such tag"));
}

#include "agent/store/store.h"

#include <fstream>

#include <boost/asio/io_context.hpp>

#include "agent/store/memory.h"
#include "common/digest.h"
#include "common/error.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

v1::Event event(const std::string& kind) {
  v1::Event event;
  event.set_kind(kind);
  return event;
}

// A memory that is opened, and what it has told.
struct Kept {
  explicit Kept(const std::filesystem::path& directory)
      : memory(loop.get_executor(), directory, {[this] { ++loads; }, [this] { ++saves; }, [] {}}) {
    memory.open();
  }
  boost::asio::io_context loop;
  int loads = 0;
  int saves = 0;
  Memory memory;
};

void damage(const std::filesystem::path& file) {
  std::filesystem::remove(file.string() + "-wal");
  std::filesystem::remove(file.string() + "-shm");
  std::ofstream(file, std::ios::trunc) << std::string(8192, 'x');
}

}  // namespace

TEST_CASE("a store keeps what it was given") {
  const TemporaryDirectory directory;
  const std::map<std::string, GoodRelease> good{{"web", {"sha256:1", "rev", {{"app", "a1"}, {"db", "d1"}}}}};
  v1::Report report;
  report.set_node("pi-1");
  std::string stream;
  {
    Store store(directory.path());
    CHECK(!store.manifest());
    store.save_manifest(7, std::string("envelope\0bytes", 14));
    store.save_report(report);
    store.save_good_releases(good, {});
    store.save_completed({"c1", "c2"});
    store.save_jobs(
        {{"web", {{"pre:sha256:1", {}}, {"post:sha256:1", {4, "ended with code 4", "last words"}}}}});
    store.save_hooked({"c3"});
    store.save_pulled({{"app:1 (linux/arm64)", 1'700'000'000}});
    store.save_images({{"app:1", "sha256:a"}, {"app:1", "", "sha256:a"}});
    Notices notices;
    notices.learn("web/app", {{"web", "engine_warning", "app", "b"}, {"web", "engine_warning", "app", "a"}});
    notices.learn("web/volume:x", {{"web", "volume_differs", "", "c"}});
    store.save_notices(notices);
    store.add_event(event("a"));
    stream = store.stream();
  }
  Store store(directory.path());
  CHECK(store.manifest() == std::string("envelope\0bytes", 14));
  CHECK(store.report()->node() == "pi-1");
  CHECK(!store.applied());
  CHECK(store.good_releases() == good);
  CHECK(store.completed() == std::set<std::string>{"c1", "c2"});
  REQUIRE(store.jobs().at("web").size() == 2);
  CHECK(store.jobs().at("web").at("pre:sha256:1") == JobEnd{});
  CHECK(store.jobs().at("web").at("post:sha256:1") == JobEnd{4, "ended with code 4", "last words"});
  CHECK(store.hooked() == std::set<std::string>{"c3"});
  CHECK(store.pulled() == std::map<std::string, std::int64_t>{{"app:1 (linux/arm64)", 1'700'000'000}});
  CHECK(store.images() == std::set<PulledImage>{{"app:1", "sha256:a"}, {"app:1", "", "sha256:a"}});
  REQUIRE(store.notices().of_stack("web").size() == 3);
  CHECK(store.notices().of_stack("web")[0].text == "b");
  CHECK(store.stream() == stream);
  CHECK(store.events_after(0, 10).size() == 1);
}

TEST_CASE("events are numbered from 1 without gaps, also after all were taken") {
  const TemporaryDirectory directory;
  {
    Store store(directory.path());
    CHECK(store.add_event(event("a")) == 1u);
    CHECK(store.add_event(event("b")) == 2u);
    store.remove_events_through(2);
  }
  Store store(directory.path());
  CHECK(store.add_event(event("c")) == 3u);
  const auto events = store.events_after(0, 10);
  REQUIRE(events.size() == 1);
  CHECK(events[0].sequence() == 3);
  CHECK(events[0].kind() == "c");
  CHECK(store.events_after(3, 10).empty());
}

TEST_CASE("only acknowledged events leave") {
  const TemporaryDirectory directory;
  Kept kept(directory.path());
  for (int i = 0; i < 5; ++i) kept.memory.add_event(event("e"));
  kept.loop.run_for(std::chrono::milliseconds(500));
  CHECK(kept.saves == 1);  // all of them at once
  kept.memory.remove_events_through("another stream", 5);
  CHECK(kept.memory.events_after(0, 10).size() == 5);
  kept.memory.remove_events_through(kept.memory.stream(), 3);
  CHECK(kept.memory.events_after(0, 10).size() == 2);
  kept.memory.close();
  CHECK(Store(directory.path()).events_after(0, 10).size() == 2);
}

TEST_CASE("what is saved together is written once, and takes along the events that wait") {
  const TemporaryDirectory directory;
  Kept kept(directory.path());
  kept.memory.add_event(event("a"));
  CHECK(kept.saves == 0);
  kept.memory.together([&] {
    kept.memory.save_completed({"c1"});
    kept.memory.save_hooked({"c2"});
    CHECK(kept.saves == 0);
  });
  CHECK(kept.saves == 1);
  const Store written(directory.path());
  CHECK(written.completed() == std::set<std::string>{"c1"});
  CHECK(written.hooked() == std::set<std::string>{"c2"});
  CHECK(written.events_after(0, 10).size() == 1);
}

TEST_CASE("of writes that belong together none stays where one fails") {
  const TemporaryDirectory directory;
  Store store(directory.path());
  CHECK_THROWS_AS(store.together([&] {
    store.save_completed({"c1"});
    throw Error(ErrorCode::kExhausted, "no space");
  }),
                  Error);
  CHECK(store.completed().empty());
}

TEST_CASE("a damaged store is set aside, and a new one is begun") {
  const TemporaryDirectory directory;
  { Store(directory.path()).save_manifest(1, "old"); }
  damage(directory / Store::kFile);
  Kept kept(directory.path());
  CHECK(kept.loads == 1);
  CHECK(!kept.memory.manifest());
  CHECK(kept.memory.failure().empty());
  CHECK(std::filesystem::exists(directory / "agent.db.corrupt-1"));
  CHECK(kept.memory.save_manifest(2, "new"));
  damage(directory / "agent.db.corrupt-1");
  CHECK(Store(directory.path()).manifest() == "new");
}

TEST_CASE("what cannot be written is kept, told of, and written when it can be") {
  const TemporaryDirectory directory;
  const auto home = directory / "home";
  Kept kept(home);  // not there: nothing can be opened
  CHECK(kept.loads == 0);
  CHECK(!kept.memory.failure().empty());
  CHECK(!kept.memory.save_manifest(4, "envelope"));
  CHECK(kept.memory.manifest_waits());
  kept.memory.add_event(event("a"));
  std::filesystem::create_directory(home);
  kept.loop.run_for(std::chrono::seconds(3));
  CHECK(kept.loads == 1);
  CHECK(kept.memory.failure().empty());
  CHECK(!kept.memory.manifest_waits());
  CHECK(kept.saves > 0);
  CHECK(Store(home).manifest() == "envelope");
  CHECK(kept.memory.events_after(0, 10).size() == 1);
}

TEST_CASE("what was adopted is known after a restart") {
  const TemporaryDirectory directory;
  const Adopted adopted{{"c1", {{"com.hivemind.stack", "web"}, {"com.hivemind.service", "app"}}}};
  {
    Kept kept(directory.path());
    CHECK(kept.memory.adopted().empty());
    REQUIRE(kept.memory.save_adopted(adopted));
  }
  Kept kept(directory.path());
  CHECK(kept.memory.adopted() == adopted);
  REQUIRE(kept.memory.save_adopted({}));
  CHECK(kept.memory.adopted().empty());
}

TEST_CASE("a good release keeps its body and the contents of its files, and no others") {
  const TemporaryDirectory directory;
  const auto body_with = [](const std::string& sha256) {
    v1::Release release;
    release.add_services()->add_file_mounts()->add_entries()->set_sha256(sha256);
    return release.SerializeAsString();
  };
  const std::string one("one\0", 4);
  const std::string f1 = sha256_hex(one);
  const std::string f2 = sha256_hex("two");
  GoodRelease first{"sha256:1", "rev", {{"app", "a1"}}, {{"app", "sha256:image"}}, body_with(f1)};
  const GoodRelease other{"sha256:x", "rev", {}, {}, body_with(f2)};
  {
    Store store(directory.path());
    store.save_good_releases({{"web", first}, {"other", other}}, {{f1, one}, {f2, "two"}, {"f3", "three"}});
  }
  Store store(directory.path());
  CHECK(store.good_releases().at("web") == first);
  CHECK(store.good_file(f1) == one);
  CHECK(store.good_file(f2) == "two");
  CHECK(!store.good_file("f3"));
  first.release = body_with(f2);
  store.save_good_releases({{"web", first}}, {});
  CHECK(store.good_releases() == std::map<std::string, GoodRelease>{{"web", first}});
  CHECK(!store.good_file(f1));
  CHECK(store.good_file(f2) == "two");
  store.save_good_releases({}, {});
  CHECK(!store.good_file(f2));
}

TEST_CASE("a good release keeps its secrets as they came, sealed, and no others") {
  const TemporaryDirectory directory;
  const std::string first(32, '1'), second(32, '2'), third(32, '3');
  const auto body_with = [](const std::string& file, const std::string& variable) {
    v1::Release release;
    release.add_services()->add_file_mounts()->add_entries()->set_secret(file);
    if (!variable.empty()) release.mutable_services(0)->add_secrets(variable);
    return release.SerializeAsString();
  };
  const SealedSecrets sealed{
      {first, {"TOKEN", std::string("a\0b", 3)}}, {second, {"PASSWORD", "c"}}, {third, {"UNUSED", "d"}}};
  GoodRelease release{"sha256:1", "rev", {}, {}, body_with(first, second)};
  {
    Kept kept(directory.path());
    kept.memory.save_good({{"web", release}}, std::make_shared<const Contents>(), sealed);
  }
  CHECK(Store(directory.path()).good_secrets() == SealedSecrets{*sealed.find(first), *sealed.find(second)});
  Kept kept(directory.path());
  CHECK(kept.memory.good_secret(first) == sealed.at(first));
  CHECK_FALSE(kept.memory.good_secret(third));
  SECTION("what it names no more goes, and what is not given again stays") {
    release.release = body_with(first, "");
    kept.memory.save_good({{"web", release}});
    CHECK(kept.memory.good_secret(first) == sealed.at(first));
    CHECK(Store(directory.path()).good_secrets() == SealedSecrets{*sealed.find(first)});
  }
  SECTION("one that was sealed anew takes the place of the one before") {
    release.revision = "later";
    const SealedSecrets anew{{first, {"TOKEN", "for another key"}}};
    kept.memory.save_good({{"web", release}}, std::make_shared<const Contents>(), anew);
    CHECK(Store(directory.path()).good_secrets() == SealedSecrets{*anew.find(first), *sealed.find(second)});
  }
  SECTION("they go with the last release") {
    kept.memory.save_good({});
    CHECK(Store(directory.path()).good_secrets().empty());
  }
}

TEST_CASE("releases that failed, and passages that have begun, are known after a restart") {
  const TemporaryDirectory directory;
  FailedRelease release{"sha256:2", "rev", "app", v1::REASON_EXITED, "exited with code 3", 3, "no room",
                        7,          true,  4};
  {
    Kept kept(directory.path());
    kept.memory.save_failed({{"web", {{"sha256:2", release}}}});
    kept.memory.save_trials({{"web", "sha256:3"}});
  }
  Kept kept(directory.path());
  REQUIRE(kept.memory.failed().contains("web"));
  CHECK(kept.memory.failed().at("web").at("sha256:2") == release);
  CHECK(kept.memory.trials() == std::map<std::string, std::string>{{"web", "sha256:3"}});
  kept.memory.save_failed({});
  CHECK(Store(directory.path()).failed().empty());
}

#include "hub/store/schema.h"
#include "tests/integration/hub/hub_fixture.h"

using namespace hivemind;
using namespace hivemind::hub;

TEST_CASE_METHOD(Fixture, "a node that reports gets its manifest, and a commit the next one") {
  start_hub();
  report("pi-1");
  run_until([&] { return published == Strings{"pi-1@1 1"}; });
  CHECK(newest["pi-1"].revision() == repository.head());
  write_stack("two");
  const std::string second = repository.commit();
  const SyncResult result = sync();
  CHECK(result.state == SyncResult::State::kApplied);
  CHECK(result.changed);
  CHECK(result.published == Strings{"pi-1"});
  run_until([&] { return published.size() == 2; });
  CHECK(newest["pi-1"].revision() == second);
  CHECK(sync().state == SyncResult::State::kUnchanged);
  run_for(300ms);
  CHECK(published.size() == 2);
}

TEST_CASE_METHOD(Fixture, "a commit that changes nothing of a node publishes nothing") {
  start_hub();
  report("pi-1");
  run_until([&] { return published.size() == 1; });
  repository.write("README", "hello");
  repository.commit();
  CHECK(sync().published.empty());
  CHECK(hub->status().desired.revision == repository.head());
  CHECK(hub->inventory().find("pi-1")->desired.revision != repository.head());
}

TEST_CASE_METHOD(Fixture, "a node that stacks.yml names gets its manifest before it was ever seen") {
  repository.write(
      "stacks.yml",
      "stacks:\n  - {name: web, compose_file: web.yml, nodes: {ids: [pi-new]}}\nnodes: {pi-other: {}}\n");
  repository.commit();
  start_hub();
  run_until([&] { return published == Strings{"pi-new@1 1", "pi-other@1 0"}; });
}

TEST_CASE_METHOD(Fixture, "a hub that ends without warning and starts again publishes nothing anew") {
  start_hub();
  report("pi-1");
  run_until([&] { return published.size() == 1; });
  run_until_stored("pi-1");
  drop_hub();
  start_hub();
  run_for(2500ms);  // longer than it looks at what the broker has
  CHECK(published == Strings{"pi-1@1 1"});
  CHECK(hub->inventory().find("pi-1")->stacks.count("web") == 1);
}

TEST_CASE_METHOD(Fixture, "a manifest that was stored and not sent is sent after a restart") {
  start_hub();
  report("pi-1");
  run_until([&] {
    return hub->inventory().find("pi-1") && hub->inventory().find("pi-1")->desired.generation == 1;
  });
  drop_hub();
  published.clear();
  start_hub();
  run_until([&] { return !published.empty(); });
  CHECK(published.front().ends_with(" 1"));  // numbered anew when its report had not been stored either
}

TEST_CASE_METHOD(Fixture, "a broker that has lost what it kept is given it again") {
  start_hub();
  report("pi-1");
  run_until([&] { return published.size() == 1; });
  run_until_stored("pi-1");
  broker.restart();
  run_until([&] { return published.size() == 2; });
  CHECK(published.back() == "pi-1@1 1");
  run_for(1500ms);
  CHECK(published.size() == 2);
}

TEST_CASE_METHOD(Fixture,
                 "a hub that has lost its database says so, and goes on above its nodes when it may") {
  start_hub();
  report("pi-1");
  run_until([&] { return published.size() == 1; });
  write_stack("two");
  repository.commit();
  sync();
  run_until([&] { return published.size() == 2; });
  report("pi-1", 2);
  run_for(200ms);
  stop_hub();
  for (const char* file : {"hub.db", "hub.db-wal", "hub.db-shm"})
    std::filesystem::remove(config.data_dir / file);
  write_stack("three");
  repository.commit();
  start_hub();
  run_until([&] { return hub->status().trust.held_since_ms != 0; });
  REQUIRE(resume());
  run_until(
      [&] { return newest["pi-1"].generation() > 2 && newest["pi-1"].revision() == repository.head(); });
}

TEST_CASE_METHOD(Fixture, "while the newest revision is refused, new nodes get what the last good one says") {
  start_hub();
  report("pi-1");
  run_until([&] { return published.size() == 1; });
  const std::string good = repository.head();
  repository.write("stacks.yml", "stacks: [");
  repository.commit();
  const SyncResult refused = sync();
  CHECK(refused.state == SyncResult::State::kInvalid);
  CHECK_FALSE(refused.diagnostics.empty());
  report("pi-2");
  run_until([&] { return newest.count("pi-2") == 1; });
  CHECK(newest["pi-2"].revision() == good);
  CHECK(hub->status().desired.state == DesiredStatus::State::kInvalid);
  CHECK_FALSE(hub->status().diagnostics.empty());
}

TEST_CASE_METHOD(Fixture, "a commit without stacks is held until it is confirmed, also over a restart") {
  start_hub();
  report("pi-1");
  run_until([&] { return published.size() == 1; });
  SECTION("an empty list") {
    repository.write("stacks.yml", "stacks: []\n");
  }
  SECTION("a deleted file") {
    repository.remove("stacks.yml");
  }
  const std::string empty = repository.commit();
  CHECK(sync().state == SyncResult::State::kHeld);
  CHECK(sync().state == SyncResult::State::kHeld);
  stop_hub();
  start_hub();
  run_until([&] { return hub->status().desired.state == DesiredStatus::State::kHeld; });
  CHECK(published.size() == 1);
  CHECK(sync(ConfirmEmpty::kYes).published == Strings{"pi-1"});
  run_until([&] { return published.back() == "pi-1@2 0"; });
  CHECK(hub->status().desired.revision == empty);
}

TEST_CASE_METHOD(Fixture, "events are acknowledged when they are stored, again when they are sent again") {
  start_hub();
  v1::EventBatch batch;
  batch.set_node("pi-1");
  batch.set_stream("s");
  for (std::uint64_t i = 1; i <= 3; ++i) batch.add_events()->set_sequence(i);
  watcher->publish(topics::events("pi-1"), batch.SerializeAsString(), false);
  run_until([&] { return acknowledged["pi-1"] == 3; });
  CHECK(hub->events({}).size() == 3);
  acknowledged.clear();
  drop_hub();
  start_hub();
  watcher->publish(topics::events("pi-1"), batch.SerializeAsString(), false);
  run_until([&] { return acknowledged["pi-1"] == 3; });
  CHECK(hub->events({}).size() == 3);
}

TEST_CASE_METHOD(Fixture, "acknowledgements are sent again while the database cannot be read") {
  start_hub();
  report("pi-1");
  run_until([&] { return published.size() == 1; });
  v1::EventBatch batch;
  batch.set_node("pi-1");
  batch.set_stream("s");
  batch.add_events()->set_sequence(1);
  watcher->publish(topics::events("pi-1"), batch.SerializeAsString(), false);
  run_until([&] { return acknowledged["pi-1"] == 1; });
  drop_hub();
  acknowledged.clear();
  hub_loop = std::make_unique<boost::asio::io_context>(1);
  hub = std::make_unique<Hub>(hub_loop->get_executor(), config);
  sqlite::Database(config.data_dir / "hub.db", sqlite::Durability::kNormal, store_migrations())
      .run("ALTER TABLE acks RENAME TO gone");
  hub->start();
  run_until([&] { return acknowledged["pi-1"] == 1; });
  run_until([&] { return !hub->not_ready(); });
}

TEST_CASE_METHOD(Fixture, "a repository that cannot be read is told, tried again, and changes nothing") {
  start_hub();
  report("pi-1");
  run_until([&] { return published.size() == 1; });
  const std::filesystem::path away = directory / "away";
  std::filesystem::rename(repository.path(), away);
  const SyncResult failed = sync();
  CHECK(failed.state == SyncResult::State::kFetchFailed);
  CHECK_FALSE(failed.error.empty());
  CHECK(hub->status().git.state == GitStatus::State::kFailed);
  CHECK(hub->status().git.retry_at.has_value());
  CHECK_FALSE(hub->status().git.revision.empty());
  std::filesystem::rename(away, repository.path());
  run_until([&] { return hub->status().git.state == GitStatus::State::kOk; });
  CHECK(published.size() == 1);
}

TEST_CASE_METHOD(Fixture, "a second hub on the same data directory is refused") {
  start_hub();
  try {
    const Hub second(loop.get_executor(), config);
    FAIL("it was not refused");
  } catch (const Error& error) {
    CHECK_THAT(std::string(error.what()), ContainsSubstring("in use by another hub"));
  }
}

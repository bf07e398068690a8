#include "agent/node/purge.h"

#include <filesystem>
#include <fstream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/support/catch.h"
#include "tests/support/fake_engine.h"
#include "tests/support/manifest_builder.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

struct Node {
  boost::asio::io_context loop;
  TemporaryDirectory data;
  FakeEngine engine{loop.get_executor()};
  std::shared_ptr<const Desired> wanted = std::make_shared<const Desired>(desired({release("web", {})}));
  Purge purge{engine, data.path(), "pi-1", [this] { return wanted; }};

  void volume(const std::string& name, const std::string& stack, const std::string& node = "pi-1") {
    engine.model.create_volume(
        fmt::format(R"({{"Name": "{}", "Labels": {{"{}": "true", "{}": "{}", "{}": "{}"}}}})", name,
                    labels::kManaged, labels::kNode, node, labels::kStack, stack));
  }
  void file(const std::string& name, const std::string& content) {
    std::filesystem::create_directories((data / name).parent_path());
    std::ofstream(data / name) << content;
  }
  bool has_volume(const std::string& name) { return engine.model.volume_exists(name); }
  template <typename T>
  T run(boost::asio::awaitable<T> work) {
    std::optional<T> result;
    std::exception_ptr failure;
    boost::asio::co_spawn(loop, std::move(work), [&](std::exception_ptr error, T value) {
      failure = error;
      result = std::move(value);
    });
    finish(failure);
    return std::move(*result);
  }
  void run(boost::asio::awaitable<void> work) {
    std::exception_ptr failure;
    boost::asio::co_spawn(loop, std::move(work), [&](std::exception_ptr error) { failure = error; });
    finish(failure);
  }

 private:
  void finish(const std::exception_ptr& failure) {
    loop.restart();
    loop.run();
    if (failure) std::rethrow_exception(failure);
  }
};

std::vector<std::string> texts(const google::protobuf::RepeatedPtrField<std::string>& field) {
  return {field.begin(), field.end()};
}

}  // namespace

TEST_CASE_METHOD(Node, "what a stack has left is shown, and nothing is touched") {
  volume("old_db", "old");
  volume("old_cache", "old");
  volume("web_db", "web");
  volume("other_db", "old", "pi-2");
  file("stacks/old/data/html/index.html", "12345");
  file("stacks/old/data/conf/a", "1");
  file("stacks/old/files/0f3a/app.conf", "123");
  file("stacks/old/seeds.json", "{}");
  const v1::Purged shown = run(purge.look("old"));
  CHECK(texts(shown.volumes()) == std::vector<std::string>{"old_cache", "old_db"});
  CHECK(texts(shown.directories()) ==
        std::vector<std::string>{"stacks/old/data/conf", "stacks/old/data/html", "stacks/old/files"});
  CHECK(shown.bytes() == 11);
  CHECK(shown.digest().size() == 16);
  CHECK(engine.writes.empty());
  CHECK(std::filesystem::exists(data / "stacks/old/data/html/index.html"));
  CHECK(run(purge.look("old")).digest() == shown.digest());
  file("stacks/old/data/html/index.html", "123456");
  CHECK(run(purge.look("old")).digest() != shown.digest());
}

TEST_CASE_METHOD(Node, "what was shown goes, and nothing else") {
  volume("old_db", "old");
  volume("web_db", "web");
  volume("other_db", "old", "pi-2");
  file("stacks/old/data/html/index.html", "12345");
  file("stacks/web/data/html/index.html", "12345");
  run(purge.remove(run(purge.look("old"))));
  CHECK_FALSE(has_volume("old_db"));
  CHECK(has_volume("web_db"));
  CHECK(has_volume("other_db"));
  CHECK_FALSE(std::filesystem::exists(data / "stacks/old"));
  CHECK_FALSE(std::filesystem::exists(data / "purged"));
  CHECK(std::filesystem::exists(data / "stacks/web/data/html/index.html"));
  const v1::Purged rest = run(purge.look("old"));
  CHECK(rest.volumes().empty());
  CHECK(rest.directories().empty());
  CHECK(rest.digest().empty());
}

TEST_CASE_METHOD(Node, "a stack that the node is to run keeps all that it has") {
  volume("web_db", "web");
  CHECK_THROWS_AS(run(purge.look("web")), Error);
  v1::Purged forged;
  forged.set_stack("web");
  forged.add_volumes("web_db");
  CHECK_THROWS_AS(run(purge.remove(forged)), Error);
  CHECK(has_volume("web_db"));
  wanted = nullptr;
  CHECK_THROWS_AS(run(purge.look("old")), Error);
}

TEST_CASE_METHOD(Node, "a stack that comes back between the look and the removal keeps what it has") {
  volume("old_db", "old");
  file("stacks/old/data/html/index.html", "12345");
  const v1::Purged shown = run(purge.look("old"));
  wanted = std::make_shared<const Desired>(desired({release("old", {})}));
  CHECK_THROWS_AS(run(purge.remove(shown)), Error);
  CHECK(has_volume("old_db"));
  CHECK(std::filesystem::exists(data / "stacks/old/data/html/index.html"));
}

TEST_CASE_METHOD(Node, "a volume that another stack uses as its external one stays") {
  volume("shared", "old");
  v1::Release other = release("web", {});
  v1::Volume& external = *other.add_volumes();
  external.set_key("shared");
  external.set_name("shared");
  external.set_external(true);
  wanted = std::make_shared<const Desired>(desired({other}));
  CHECK_THROWS_AS(run(purge.look("old")), Error);
  CHECK(has_volume("shared"));
}

TEST_CASE_METHOD(Node, "a name that is no stack's reaches no directory") {
  file("stacks/old/data/html/index.html", "12345");
  for (const std::string name : {"..", "../stacks/old", "", "old/data"})
    CHECK_THROWS_AS(run(purge.look(name)), Error);
}

TEST_CASE_METHOD(Node, "a symlink is neither followed nor counted") {
  TemporaryDirectory elsewhere;
  std::ofstream(elsewhere / "precious") << "12345";
  file("stacks/old/data/html/index.html", "1");
  std::filesystem::create_directory_symlink(elsewhere.path(), data / "stacks/old/data/html/out");
  std::filesystem::create_directory_symlink(elsewhere.path(), data / "stacks/linked");
  const v1::Purged shown = run(purge.look("old"));
  CHECK(shown.bytes() == 1);
  run(purge.remove(shown));
  CHECK(std::filesystem::exists(elsewhere / "precious"));
  CHECK(run(purge.look("linked")).directories().empty());
}

TEST_CASE_METHOD(Node, "what a crash has left half-removed is removed by the next call or start") {
  volume("a", "old");
  volume("b", "old");
  file("stacks/old/data/html/index.html", "12345");
  const v1::Purged shown = run(purge.look("old"));
  SECTION("between two volumes") {
    engine.fail_write(2, Error(ErrorCode::kConflict, "volume is in use"));
    CHECK_THROWS_AS(run(purge.remove(shown)), Error);
    CHECK_FALSE(has_volume("a"));
    CHECK(has_volume("b"));
    CHECK(std::filesystem::exists(data / "stacks/old/data/html/index.html"));
    run(purge.remove(run(purge.look("old"))));
    CHECK_FALSE(has_volume("b"));
  }
  SECTION("while the directory is emptied") {
    file("purged/old-0f3a/data/html/index.html", "12345");
    for (int i = 0; i < 500; ++i) file(fmt::format("purged/old-0f3a/data/{}/{}", i % 7, i), "1");
    run(purge.sweep());
    CHECK_FALSE(std::filesystem::exists(data / "purged"));
  }
}

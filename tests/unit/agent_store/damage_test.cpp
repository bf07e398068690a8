// A store that is damaged in every way that a disk can think of: it opens, or is set aside; it is written
// again at once.
#include <algorithm>
#include <fstream>
#include <random>
#include <string>

#include <boost/asio/io_context.hpp>

#include "agent/store/memory.h"
#include "common/digest.h"
#include "common/file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

using namespace hivemind;
using namespace hivemind::agent;
using namespace hivemind::tests;

namespace {

namespace fs = std::filesystem;
constexpr std::size_t kPage = 4096;

v1::Event event(const std::string& kind) {
  v1::Event event;
  event.set_kind(kind);
  return event;
}

// Everything that a store holds, in more than one page each.
void fill(const fs::path& directory) {
  Store store(directory);
  store.save_manifest(7, std::string(3 * kPage, 'm'));
  std::map<std::string, GoodRelease> good;
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "stack-" + std::to_string(i);
    good[name] = {"digest-" + name, "revision", {{"app", "hash"}}};
    ids.insert("container-" + std::to_string(i));
    store.add_event(event("e" + std::to_string(i)));
  }
  store.save_good_releases(good);
  store.save_completed(ids);
  store.save_hooked(ids);
  store.save_pulled({{"image:1", 5}});
  store.save_adopted({{"c1", {{"key", "value"}}}});
}

// As it lies on the disk: the whole file, without a log beside it.
std::string whole_store() {
  const TemporaryDirectory directory;
  fill(directory.path());
  return read_file(directory / Store::kFile);
}

void put(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

struct Opened {
  explicit Opened(const fs::path& directory)
      : memory(loop.get_executor(), directory,
               {[] {}, [] {}, [] {}, [this](const std::string& text) { replaced = text; }}) {
    memory.open();
  }
  boost::asio::io_context loop;
  std::string replaced;
  Memory memory;
};

// Whatever was found: from now on it holds what it is given, also for the next start.
void check_of_use(const fs::path& directory) {
  {
    Opened opened(directory);
    // Damage that shows only when a page is written is made good by the next attempt.
    if (!opened.memory.save_manifest(8, "new")) opened.loop.run_for(std::chrono::seconds(3));
    CHECK(opened.memory.failure().empty());
    CHECK(!opened.memory.manifest_waits());
    opened.memory.save_completed({"c9"});
    opened.memory.add_event(event("after"));
    opened.memory.save_good({{"web", {"digest", "revision"}}});  // writes the event as well
    if (!opened.memory.failure().empty()) opened.loop.run_for(std::chrono::seconds(3));
    CHECK(opened.memory.failure().empty());
  }
  Opened again(directory);
  CHECK(again.memory.manifest() == "new");
  CHECK(again.memory.completed() == std::set<std::string>{"c9"});
  CHECK(again.memory.good().contains("web"));
  CHECK(again.replaced.empty());
}

}  // namespace

TEST_CASE("a store with random bytes in any of its pages is of use at once") {
  const std::string whole = whole_store();
  std::mt19937 random(4);
  const std::size_t pages = whole.size() / kPage;
  REQUIRE(pages > 10);
  for (std::size_t page = 0; page < pages; ++page) {
    CAPTURE(page);
    const TemporaryDirectory directory;
    std::string damaged = whole;
    std::generate_n(damaged.begin() + static_cast<std::ptrdiff_t>(page * kPage), kPage,
                    [&] { return static_cast<char>(random()); });
    put(directory / Store::kFile, damaged);
    check_of_use(directory.path());
  }
}

TEST_CASE("a store with a zeroed page is of use at once") {
  const std::string whole = whole_store();
  for (std::size_t page = 0; page < whole.size() / kPage; ++page) {
    CAPTURE(page);
    const TemporaryDirectory directory;
    std::string damaged = whole;
    std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(page * kPage), kPage, '\0');
    put(directory / Store::kFile, damaged);
    check_of_use(directory.path());
  }
}

TEST_CASE("a store that is cut off at any length is of use at once") {
  const std::string whole = whole_store();
  std::vector<std::size_t> lengths = {0, 1, 15, 16, 99, 100, 101, 511, 512};
  for (std::size_t at = 1024; at < whole.size(); at += 1024) lengths.push_back(at);
  for (std::size_t at = kPage; at < whole.size(); at += kPage) lengths.push_back(at - 1);
  for (const std::size_t length : lengths) {
    CAPTURE(length);
    const TemporaryDirectory directory;
    put(directory / Store::kFile, whole.substr(0, length));
    check_of_use(directory.path());
  }
}

TEST_CASE("a store with single bytes of its header changed is of use at once") {
  const std::string whole = whole_store();
  for (std::size_t at = 0; at < 100; ++at) {
    CAPTURE(at);
    const TemporaryDirectory directory;
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x5a);
    put(directory / Store::kFile, damaged);
    check_of_use(directory.path());
  }
}

TEST_CASE("what stands in the store's place is set aside, and told") {
  const TemporaryDirectory directory;
  const fs::path file = directory / Store::kFile;
  SECTION("a directory") {
    fs::create_directories(file / "full" / "of things");
  }
  SECTION("a dangling symlink to nowhere") {
    fs::create_symlink("/nowhere/at/all", file);
  }
  SECTION("no database") {
    put(file, std::string(9000, 'x'));
  }
  SECTION("a database of a program that is not known yet") {
    fill(directory.path());
    std::string bytes = read_file(file);
    bytes[63] = 99;  // the last byte of user_version
    put(file, bytes);
  }
  {
    const Opened opened(directory.path());
    CHECK_THAT(opened.replaced, ContainsSubstring("agent.db.corrupt-1"));
  }
  check_of_use(directory.path());
}

TEST_CASE("what stands in the place of the store's log does no harm") {
  const TemporaryDirectory directory;
  fill(directory.path());
  const fs::path file = directory / Store::kFile;
  std::mt19937 random(4);
  std::string noise(40'000, '\0');
  std::generate(noise.begin(), noise.end(), [&] { return static_cast<char>(random()); });
  SECTION("a directory for the log") {
    fs::create_directory(file.string() + "-wal");
  }
  SECTION("a directory for the index") {
    fs::create_directory(file.string() + "-shm");
  }
  SECTION("noise for the log") {
    put(file.string() + "-wal", noise);
  }
  SECTION("noise for the index") {
    put(file.string() + "-shm", noise);
  }
  SECTION("noise for a journal") {
    put(file.string() + "-journal", noise);
  }
  check_of_use(directory.path());
}

TEST_CASE("a store that is damaged again and again does not fill the disk") {
  const TemporaryDirectory directory;
  for (int i = 0; i < 3 * Store::kMostSetAside; ++i) {
    put(directory / Store::kFile, "no database, and long enough not to be empty: " + std::to_string(i));
    const Opened opened(directory.path());
    CHECK(opened.memory.failure().empty());
  }
  int kept = 0;
  for (const auto& entry : fs::directory_iterator(directory.path()))
    kept += entry.path().filename().string().find("corrupt") != std::string::npos ? 1 : 0;
  CHECK(kept == Store::kMostSetAside);
}

TEST_CASE("a store that is damaged while it is open goes on, and is of use after the next start") {
  const TemporaryDirectory directory;
  fill(directory.path());
  {
    Opened opened(directory.path());
    REQUIRE(opened.memory.manifest());
    put(directory / Store::kFile, std::string(80'000, 'x'));
    opened.memory.save_completed({"c9"});
    opened.loop.run_for(std::chrono::seconds(3));
    CHECK(opened.memory.failure().empty());
    CHECK(opened.memory.manifest() == std::string(3 * kPage, 'm'));
  }
  check_of_use(directory.path());
}

TEST_CASE("a bit that turns within a good release is noticed, and the release cannot come back") {
  const TemporaryDirectory directory;
  const std::string content = "content-of-the-file";
  v1::Release release;
  release.set_stack("name-of-the-stack");
  release.add_services()->add_file_mounts()->add_entries()->set_sha256(sha256_hex(content));
  const GoodRelease good{
      "the-digest", "the-revision", {{"app", "hash"}}, {{"app", "the-image"}}, release.SerializeAsString()};
  const GoodRelease other{"other-digest", "revision", {}, {}, "other-body"};
  {
    Store store(directory.path());
    store.save_good_releases({{"web", good}, {"other", other}}, {{sha256_hex(content), content}});
  }
  const auto turn = [&](const std::string& value) {
    std::string bytes = read_file(directory / Store::kFile);
    const std::size_t at = bytes.find(value);
    REQUIRE(at != std::string::npos);
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    put(directory / Store::kFile, bytes);
  };
  for (const char* value : {"name-of-the-stack", "the-revision", "the-image"}) {
    CAPTURE(value);
    turn(value);
    {
      Opened opened(directory.path());
      CHECK(opened.replaced.empty());
      CHECK(opened.memory.good().at("web").release.empty());
      CHECK(opened.memory.good().at("web").images.empty());
      CHECK(opened.memory.good().at("web").digest == "the-digest");
      CHECK(opened.memory.good().at("other") == other);
      opened.memory.save_good({{"web", good}, {"other", other}});
    }
    CHECK(Store(directory.path()).good_releases().at("web") == good);
  }
  turn(content);
  Store store(directory.path());
  CHECK(store.good_releases().at("web") == good);
  CHECK(!store.good_file(sha256_hex(content)));
  store.save_good_releases({{"web", good}, {"other", other}}, {{sha256_hex(content), content}});
  CHECK(store.good_file(sha256_hex(content)) == content);
}

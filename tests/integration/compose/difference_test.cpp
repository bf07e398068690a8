// What docker compose makes of a file, and what hub and agent make of it, on the same engine, field by field.
#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <regex>
#include <sstream>

#include <fmt/format.h>
#include <unistd.h>

#include "agent/adopt/compare.h"
#include "tests/integration/compose/product.h"
#include "tests/integration/compose/reference.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::tests {
namespace {

namespace fs = std::filesystem;
using agent::Difference;

struct Intended {
  const char* path;  // regular expressions, of the whole
  const char* ours;
  const char* theirs;
  const char* reason;
};

constexpr std::array<Intended, 9> kIntended{{
    {"Config\\.ExposedPorts", ".*", ".*[0-9]-[0-9].*",
     "docker compose hands 'expose: 101-102/udp' on as one port, which the engine takes for two"},
    {"HostConfig\\.VolumesFrom", ".*:ro.*", ".*",
     "docker compose loses the ':ro' of volumes_from a service; the specification has it"},
    {"Mounts\\./shared\\.RW", "\"no\"", "\"yes\"", "likewise"},
    {"HostConfig\\.Mounts\\..*\\.Source", "\".*/stacks/.*\"", "\".*\"",
     "a relative path is a directory of the node's, not of a checked-out repository"},
    {"Mounts\\..*\\.Source", "\".*/stacks/.*\"", "\".*\"", "likewise, as the engine resolves it"},
    {"HostConfig\\.Mounts\\..*\\.Options", "\\[\"[zZ]\"\\]", "",
     "docker compose loses 'bind.selinux' of a bind whose source must be there"},
    {"(HostConfig\\.)?Mounts\\.(/written|/run/secrets/key)\\..*", ".*", "",
     "docker compose copies content of the file itself or of a variable into a container when it starts it"},
    {"HostConfig\\.Devices\\..*\\.CgroupPermissions", "\"rwm\"", "",
     "docker compose hands a device in the long form on without permissions, and no such container starts"},
    {"HostConfig\\.LogConfig\\.Config\\.max-(size|file)", "\"(10m|3)\"", "",
     "docker compose lets a log grow until the disk is full; on a node that nobody looks after, it must not"},
}};

const char* why_intended(const Difference& difference) {
  for (const Intended& one : kIntended) {
    if (std::regex_match(difference.path, std::regex(one.path)) &&
        std::regex_match(difference.ours, std::regex(one.ours)) &&
        std::regex_match(difference.theirs, std::regex(one.theirs))) {
      return one.reason;
    }
  }
  return nullptr;
}

struct Score {
  std::size_t seen = 0, cases = 0, refused = 0, ours_refused = 0, containers = 0, networks = 0, volumes = 0;
  std::size_t fields = 0, intended = 0, differences = 0;
};

std::string test_image() {
  const char* image = std::getenv("HIVEMIND_TEST_IMAGE");
  return image != nullptr ? image : "hivemind-test:1";
}

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Every image is the one that is there.
void copy_case(const fs::path& from, const fs::path& to) {
  fs::copy(from, to, fs::copy_options::recursive);
  static const std::regex kImage(
      "(\\bimage: *|\\btype: image, source: *)(\"[^\"]*\"|'[^']*'|(\\$\\{[^}]*\\}|[^\\s,{}])+)");
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(to)) {
    const std::string kind = entry.path().extension().string();
    if (!entry.is_regular_file() || (kind != ".yml" && kind != ".yaml")) continue;
    const std::string text = std::regex_replace(read(entry.path()), kImage, "$1" + test_image());
    std::ofstream(entry.path(), std::ios::binary) << text;
  }
}

class Comparer {
 public:
  Comparer(std::string name, Score& score) : name_(std::move(name)), score_(score) {}

  void compare(const MadeByProduct& ours, const Made& theirs) {
    each("container", ours.made.containers, theirs.containers, score_.containers,
         [](const std::string& left, const std::string& right, const std::string&) {
           return agent::compare_containers(left, right);
         });
    each("network", ours.made.networks, theirs.networks, score_.networks,
         [&](const std::string& left, const std::string& right, const std::string& network) {
           const auto body = ours.network_bodies.find(network);
           const auto subnets =
               body == ours.network_bodies.end() ? agent::Subnets::kGiven : agent::subnets_of(body->second);
           return agent::compare_networks(left, right, subnets);
         });
    each("volume", ours.made.volumes, theirs.volumes, score_.volumes,
         [](const std::string& left, const std::string& right, const std::string&) {
           return agent::compare_volumes(left, right);
         });
  }

 private:
  void differ(const std::string& what) {
    ++score_.differences;
    FAIL_CHECK(name_ << ": " << what);
  }

  template <typename Compare>
  void each(const std::string& kind, const std::map<std::string, nlohmann::json>& ours,
            const std::map<std::string, nlohmann::json>& theirs, std::size_t& count, Compare compare) {
    for (const auto& [name, document] : theirs) {
      const auto found = ours.find(name);
      if (found == ours.end()) {
        differ(kind + " '" + name + "' is missing");
        continue;
      }
      ++count;
      const agent::Comparison comparison = compare(found->second.dump(), document.dump(), name);
      score_.fields += comparison.fields;
      for (const Difference& one : comparison.differences) note(kind + " '" + name + "'", one);
    }
    for (const auto& [name, document] : ours) {
      if (!theirs.contains(name)) differ(kind + " '" + name + "' is ours alone");
    }
  }

  void note(const std::string& what, const Difference& one) {
    if (why_intended(one) != nullptr) {
      ++score_.intended;
      return;
    }
    differ(fmt::format("{}: {}: ours {}, theirs {}", what, one.path, one.ours.empty() ? "absent" : one.ours,
                       one.theirs.empty() ? "absent" : one.theirs));
  }

  std::string name_;
  Score& score_;
};

// What 'external: true' asks for in the cases.
class Externals {
 public:
  explicit Externals(const EngineClient& engine) : engine_(engine) {
    engine_.remove_all("com.hivemind.test=h7-external");
    engine_.http().json(
        "POST", "/networks/create",
        R"({"Name":"h7-external","CheckDuplicate":true,"Labels":{"com.hivemind.test":"h7-external"}})");
    engine_.http().json("POST", "/volumes/create",
                        R"({"Name":"h7-external","Labels":{"com.hivemind.test":"h7-external"}})");
  }
  ~Externals() { engine_.remove_all("com.hivemind.test=h7-external"); }
  Externals(const Externals&) = delete;
  Externals& operator=(const Externals&) = delete;

 private:
  const EngineClient& engine_;
};

std::vector<fs::path> cases_in(const fs::path& directory) {
  std::vector<fs::path> cases;
  const char* only = std::getenv("HIVEMIND_CASE");
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    const bool wanted = only == nullptr || entry.path().filename() == only;
    if (wanted && fs::exists(entry.path() / "compose.yml") && !fs::exists(entry.path() / "expected.err"))
      cases.push_back(entry.path());
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

// Where docker compose goes on and fails later, or leaves a part out without a word.
bool is_refused_on_purpose(const std::string& failure) {
  return failure.find("compose.port-conflict") != std::string::npos ||
         failure.find("compose.no-services") != std::string::npos ||
         failure.find("compose.unset-variable") != std::string::npos ||
         failure.find("needs Engine API") != std::string::npos;
}

std::string last_line(std::string text) {
  text.erase(text.find_last_not_of(" \n") + 1);
  return text.substr(text.rfind('\n') + 1);
}

struct Leftovers {
  const EngineClient& engine;
  std::string label;
  ~Leftovers() { engine.remove_all(label); }
};

void compare_case(const EngineClient& engine, const fs::path& directory, Score& score) {
  const std::string name = directory.filename().string();
  const TemporaryDirectory temporary;
  const fs::path copy = temporary.path() / "project";
  copy_case(directory, copy);
  // Of its own: docker compose that fails leaves what its other requests are still making.
  const std::string project = fmt::format("difference-{}-{}", ::getpid(), score.seen++);
  const Leftovers leftovers{engine, "com.docker.compose.project=" + project};
  const Made theirs = made_by_reference(engine, copy, project);
  if (!theirs.failure.empty()) {
    ++score.refused;
    std::cout << fmt::format("{}: not made by docker compose here: {}\n", name, last_line(theirs.failure));
    return;
  }
  const MadeByProduct ours = made_by_product(engine, copy, project);
  if (is_refused_on_purpose(ours.made.failure)) {
    ++score.ours_refused;
    std::cout << fmt::format("{}: refused by us: {}\n", name, ours.made.failure);
    return;
  }
  if (!ours.made.failure.empty()) FAIL_CHECK(name << ": not made: " << ours.made.failure);
  ++score.cases;
  Comparer(name, score).compare(ours, theirs);
}

}  // namespace

TEST_CASE("hub and agent make what docker compose makes") {
  if (std::getenv("DOCKER_HOST") == nullptr) {
    WARN("skipped: DOCKER_HOST is not set");
    return;
  }
  if (docker_compose().empty()) {
    WARN("skipped: docker compose v2 is not on this machine (~/.docker/cli-plugins/docker-compose)");
    return;
  }
  const EngineClient engine;
  const Externals externals(engine);
  Score score;
  const fs::path source(HIVEMIND_SOURCE);
  for (const fs::path& folder : {source / "tests/integration/compose/cases", source / "tests/data/compose"}) {
    for (const fs::path& directory : cases_in(folder)) compare_case(engine, directory, score);
  }
  std::cout << fmt::format(
      "{} files ({} more not made by docker compose here, {} refused by us): {} containers, {} networks, {} "
      "volumes; {} fields "
      "compared, "
      "{} intended differences, {} others\n",
      score.cases, score.refused, score.ours_refused, score.containers, score.networks, score.volumes,
      score.fields, score.intended, score.differences);
  CHECK(score.differences == 0);
}

}  // namespace hivemind::tests

#include "tests/bench/git_bench.h"

#include <chrono>
#include <stdexcept>
#include <string>

#include <fmt/core.h>

#include "hub/desired/git/mirror.h"
#include "tests/support/git_repository.h"
#include "tests/support/temporary_directory.h"

namespace hivemind::bench {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

void write_many_files(tests::GitRepository& repository) {
  for (int directory = 0; directory < 100; ++directory) {
    for (int file = 0; file < 100; ++file) {
      repository.write(fmt::format("stacks/d{}/f{}.yml", directory, file),
                       fmt::format("value: {} {}\n", directory, file));
    }
  }
  repository.commit("ten thousand files");
}

}  // namespace

void measure_git(Results& results, int rounds) {
  const tests::TemporaryDirectory directory;
  tests::GitRepository repository(directory / "repository");
  write_many_files(repository);
  hub::git::RemoteOptions options;
  options.url = repository.url();
  hub::git::Mirror mirror(directory / "mirror", options);
  std::string before = mirror.fetch().revision;

  Samples unchanged, fetched, changes;
  for (int i = 0; i < rounds; ++i) {
    auto begin = Clock::now();
    if (mirror.fetch().changed)
      throw std::runtime_error("a fetch of nothing new says that it changed something");
    unchanged.push_back(milliseconds_since(begin));

    const std::string file = fmt::format("stacks/d{}/f{}.yml", i % 100, i % 100);
    repository.write(file, fmt::format("value: new {}\n", i)).commit();
    begin = Clock::now();
    const std::string after = mirror.fetch().revision;
    fetched.push_back(milliseconds_since(begin));

    begin = Clock::now();
    const auto paths = mirror.changed_paths(before, after);
    changes.push_back(milliseconds_since(begin));
    if (paths != std::set<std::string>{file})
      throw std::runtime_error("wrong paths changed by a commit to " + file);
    before = after;
  }
  results.add({"Git, 10,000 files: poll without change", unchanged, "", {}, Aim{0, 10}});
  results.add({"Git, 10,000 files: fetch of one commit", fetched, "", {}, std::nullopt});
  results.add({"Git, 10,000 files: what a commit changed", changes, "", {}, Aim{0, 1}});
}

}  // namespace hivemind::bench

#include <exception>
#include <set>
#include <string>

#include <fmt/core.h>

#include "tests/bench/apply_bench.h"
#include "tests/bench/compile_bench.h"
#include "tests/bench/fleet_bench.h"
#include "tests/bench/git_bench.h"
#include "tests/bench/results.h"
#include "tests/bench/rollback_bench.h"

// bench FILE [quick] [PART...]: measures all or these parts, writes the results as JSON to FILE and prints
// them. 'quick' takes few samples: it shows that everything works, not how fast it is.
namespace {

using hivemind::bench::Results;

struct Part {
  const char* name;
  void (*measure)(Results& results, int rounds);
  int rounds;
  int quick_rounds;
};

constexpr Part kParts[] = {
    {"git", hivemind::bench::measure_git, 30, 3},
    {"compiler", hivemind::bench::measure_compiler, 5, 1},
    {"commits", hivemind::bench::measure_commits, 25, 2},
    {"ten", hivemind::bench::measure_ten_services, 7, 1},
    {"unchanged", hivemind::bench::measure_unchanged_apply, 20, 2},
    {"rollback", hivemind::bench::measure_rollback, 7, 1},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: bench FILE [quick] [PART...]\n");
    return 2;
  }
  std::set<std::string> wanted(argv + 2, argv + argc);
  const bool quick = wanted.erase("quick") > 0;
  try {
    Results results;
    for (const Part& part : kParts) {
      if (wanted.empty() || wanted.contains(part.name))
        part.measure(results, quick ? part.quick_rounds : part.rounds);
    }
    results.write_json(argv[1]);
    results.print();
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench: {}\n", error.what());
    return 1;
  }
  return 0;
}

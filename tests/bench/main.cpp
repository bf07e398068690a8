#include <exception>
#include <string>

#include <fmt/core.h>

#include "tests/bench/apply_bench.h"
#include "tests/bench/compile_bench.h"
#include "tests/bench/fleet_bench.h"
#include "tests/bench/git_bench.h"
#include "tests/bench/results.h"
#include "tests/bench/rollback_bench.h"

// bench FILE [quick]: measures, writes the results as JSON to FILE and prints them. 'quick' takes few
// samples: it shows that everything works, not how fast it is.
int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: bench FILE [quick]\n");
    return 2;
  }
  const bool quick = argc > 2 && std::string(argv[2]) == "quick";
  try {
    hivemind::bench::Results results;
    hivemind::bench::measure_git(results, quick ? 3 : 30);
    hivemind::bench::measure_compiler(results, quick ? 1 : 5);
    hivemind::bench::measure_commits(results, quick ? 2 : 25);
    hivemind::bench::measure_ten_services(results, quick ? 1 : 7);
    hivemind::bench::measure_unchanged_apply(results, quick ? 2 : 20);
    hivemind::bench::measure_rollback(results, quick ? 1 : 7);
    results.write_json(argv[1]);
    results.print();
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench: {}\n", error.what());
    return 1;
  }
  return 0;
}

// How far we agree with 'docker compose config' over files that nobody here wrote, where HIVEMIND_CORPUS
// names a folder with them: compose/ (real files) and compose-vectors/ (small cases).
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <set>

#include <fmt/format.h>

#include "hub/desired/compose/config.h"
#include "tests/support/catch.h"
#include "tests/unit/compose/configuring.h"
#include "tests/unit/compose/model_difference.h"

namespace hivemind::tests {
namespace {

struct Chosen {
  std::string_view name;  // of the case
  std::string_view reason;
};

// Cases where the reference is not followed on purpose, or where its answer cannot be had from the file
// alone.
constexpr Chosen kChosen[] = {
    {"loader_extends.TestLoadExtendsSameFile.1", "its answer names a directory of where it was recorded"},
    {"loader_loader.TestLoadSSHWithKeyValueInBuildConfig.1",
     "the reference fails to print 'build.ssh' as JSON"},
    {"loader_loader.TestLoadSSHWithKeysValuesInBuildConfig.1",
     "the reference fails to print 'build.ssh' as JSON"},
    {"loader_loader.TestXService.1", "the reference loses a service's network whose name begins with 'x-'"},
    {"loader_reset.TestResetCycle.4", "the reference sees a cycle where one name begins with another"},
};

bool is_chosen(const std::string& name) {
  return std::ranges::find(kChosen, std::string_view(name), &Chosen::name) != std::end(kChosen);
}

struct Score {
  int cases = 0;
  int same_verdict = 0;
  int accepted = 0;  // by the reference
  int same_model = 0;
  int silent_losses = 0;
  int unexplained = 0;  // differences that nobody chose

  void print(std::string_view what) const {
    fmt::print("{}: {} cases; accept agreement {}/{}, model agreement {}/{} ({:.1f} %), silent losses {}\n",
               what, cases, same_verdict, cases, same_model, accepted,
               accepted == 0 ? 100.0 : 100.0 * same_model / accepted, silent_losses);
  }
};

// Whether a diagnostic names the key that stands last in the path, or one above it.
bool is_named(const std::string& path, const hub::Diagnostics& diagnostics) {
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t dot = rest.rfind('.');
    const std::string_view key = dot == std::string_view::npos ? rest : rest.substr(dot + 1);
    rest = dot == std::string_view::npos ? "" : rest.substr(0, dot);
    if (key.find_first_not_of("0123456789") == std::string_view::npos || rest == "services" || rest.empty())
      continue;
    for (const hub::Diagnostic& one : diagnostics) {
      for (const char* form : {"'{}'", ".{}'", "'{}."}) {
        if (one.message.find(fmt::format(fmt::runtime(form), key)) != std::string::npos) return true;
      }
    }
  }
  return false;
}

void say(const ModelCase& one, const std::string& text, Score& score) {
  score.unexplained += is_chosen(one.name) ? 0 : 1;
  std::cout << "  " << one.name << ": " << text << (is_chosen(one.name) ? " (chosen)" : "") << "\n";
}

void compare_models(const ModelCase& one, const Configured& ours, Score& score) {
  const auto all = differences(one.expected, *ours.model);
  if (all.empty()) ++score.same_model;
  int said = 0;
  for (const Difference& difference : all) {
    const bool lost = !difference.expected.empty() && difference.found.empty();
    // What is refused is not lost: the stack does not run at all, and the reason is said.
    const bool silent =
        lost && !hub::has_errors(ours.diagnostics) && !is_named(difference.path, ours.diagnostics);
    if (silent) ++score.silent_losses;
    if (++said <= 4) say(one, to_text(difference) + (silent ? " (silent)" : ""), score);
  }
}

Score measure(const std::vector<ModelCase>& cases, hub::compose::Consistency consistency) {
  Score score;
  for (const ModelCase& one : cases) {
    INFO(one.name);
    const Configured ours = configure(one, consistency);
    ++score.cases;
    score.accepted += one.accepted ? 1 : 0;
    if (ours.model.has_value() == one.accepted) {
      ++score.same_verdict;
    } else {
      say(one, one.accepted ? "refused here: " + ours.errors() : "accepted here", score);
    }
    CHECK((ours.model || hub::has_errors(ours.diagnostics)));
    if (one.accepted && ours.model) compare_models(one, ours, score);
    for (const hub::Diagnostic& diagnostic : ours.diagnostics) {
      INFO(to_text(diagnostic));
      CHECK(diagnostic.location.line > 0);
      CHECK(diagnostic.location.column > 0);
    }
  }
  return score;
}

std::vector<ModelCase> corpus(const char* part) {
  const char* folder = std::getenv("HIVEMIND_CORPUS");
  return folder == nullptr ? std::vector<ModelCase>{} : model_cases(std::filesystem::path(folder) / part);
}

TEST_CASE("real Compose files mean what they mean to docker compose") {
  const auto cases = corpus("compose");
  if (cases.empty()) return;
  const Score score = measure(cases, hub::compose::Consistency::kChecked);
  score.print("real files");
  CHECK(score.unexplained == 0);
  CHECK(score.silent_losses == 0);
  CHECK(score.same_verdict == score.cases);
  CHECK(score.same_model == score.accepted);
}

TEST_CASE("vectors of the Compose language mean what they mean to docker compose") {
  const auto cases = corpus("compose-vectors");
  if (cases.empty()) return;
  // Half of them are parts of files: what was expected of them was made with --no-consistency.
  const Score score = measure(cases, hub::compose::Consistency::kIgnored);
  score.print("vectors");
  CHECK(score.unexplained == 0);
  CHECK(score.silent_losses == 0);
  CHECK(score.same_model >= 0.98 * score.accepted);
}

}  // namespace
}  // namespace hivemind::tests

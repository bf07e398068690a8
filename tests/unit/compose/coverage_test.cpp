// Every key of the specification is read, warned of or refused, and the table of keys says which.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "hub/desired/compose/project.h"
#include "tests/support/catch.h"
#include "tests/unit/compose/compiling.h"
#include "tests/unit/compose/specified_keys.h"

namespace hivemind::tests {
namespace {

using hub::compose::KnownKey;
using How = KnownKey::How;

// Keys that are ours.
const std::set<std::string> kOwn = {
    "x-hivemind",          "x-hivemind.soak",         "x-hivemind.pre",
    "x-hivemind.post",     "x-hivemind.window",       "x-hivemind.timezone",
    "services.x-hivemind", "services.x-hivemind.pin", "services.x-hivemind.soak"};

// Keys that change nothing in a release, and why that is right.
const std::map<std::string, std::string> kWithoutEffect = {
    {"name", "it must be the stack's"},
    {"volumes", "no service uses it"},
    {"secrets", "no service uses it"},
    {"configs", "no service uses it"},
    {"configs.name", "there is no store with names"},
    {"configs.labels", "there is no store with labels"},
    {"secrets.name", "there is no store with names"},
    {"secrets.labels", "there is no store with labels"},
    {"secrets.driver_opts", "it needs a driver, which is refused"},
    {"services.deploy.rollback_config", "its members are warned of"},
    {"services.ports.name", "a word for people"},
    {"services.ports.app_protocol", "a word for people"},
    {"services.ports.mode", "there is one way of publishing on a node"},
    {"services.volumes.consistency", "a hint for engines on a Mac"},
};

void flatten(const std::vector<KnownKey>& keys, const std::string& above,
             std::map<std::string, KnownKey>& into) {
  for (const KnownKey& key : keys) {
    const std::string path = above.empty() ? std::string(key.key) : above + "." + std::string(key.key);
    CHECK(into.emplace(path, key).second);
    flatten(key.members, path, into);
  }
}

std::map<std::string, KnownKey> table() {
  std::map<std::string, KnownKey> all;
  flatten(hub::compose::document_keys(), "", all);
  return all;
}

Compiled compile_document(const std::string& text) {
  const std::string base =
      "services: {base: {image: 'base:1', user: a, environment: ['B=${B:-none}'], volumes: ['./x:/x']}, "
      "other: {image: 'other:1', user: b}}\n";
  return compile(MemorySnapshot{{"web/compose.yml", text},
                                {"web/base.yml", base},
                                {"web/other.yml", "services: {base: {image: 'base:2', user: c}}\n"},
                                {"web/a.env", "A='1'\n"},
                                {"web/b.env", "B='2'\n"},
                                {"web/pass.txt", "secret"},
                                {"web/other.txt", "other"}},
                 {"web/compose.yml"}, {{"A", "value"}});
}

// By what the compiler does with a document, whatever the table says.
struct Outcome {
  bool refused = false;
  bool warned = false;
  bool changes = false;
  std::string said;
};

// The path as messages have it.
std::string spoken(const std::string& path) {
  return path.starts_with("services.") ? path.substr(9) : path;
}

// Members of what is ignored need no warnings of their own.
std::string highest_ignored(const std::string& path, const std::map<std::string, KnownKey>& known) {
  for (std::size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', dot + 1)) {
    const auto found = known.find(path.substr(0, dot));
    if (found != known.end() && found->second.how == How::kIgnored) return found->first;
  }
  return path;
}

Outcome outcome_of(const SpecifiedKey& key, const std::string& warned_path) {
  Outcome outcome;
  const Compiled with = compile_document(key.with);
  const Compiled without = compile_document(key.without);
  const std::string name = "'" + spoken(warned_path) + "'";
  for (const hub::Diagnostic& one : with.diagnostics) {
    outcome.said += fmt::format("{} [{}]\n", one.message, one.code);
    if (one.severity == hub::Severity::kError) outcome.refused = true;
    if (one.message.find(name) != std::string::npos) outcome.warned = true;
    CHECK(one.code != "compose.unknown-key");
  }
  const auto digest = [](const Compiled& one) {
    return one.result ? one.result->release.digest() : std::string();
  };
  outcome.changes = digest(with) != digest(without);
  return outcome;
}

bool agrees(const Outcome& outcome, const SpecifiedKey& key, How how) {
  switch (how) {
    case How::kRefused:
      return outcome.refused;
    case How::kIgnored:
      return !outcome.refused && outcome.warned && !outcome.changes;
    case How::kRead:
      return outcome.refused || outcome.warned || outcome.changes || kWithoutEffect.contains(key.path);
  }
  return false;
}

}  // namespace

TEST_CASE("every key of the specification is read, warned of or refused, as the table of keys has it") {
  const auto known = table();
  for (const SpecifiedKey& key : specified_keys()) {
    INFO(key.path);
    INFO(key.with);
    const auto found = known.find(key.path);
    CHECK(found != known.end());
    if (found == known.end()) continue;
    const std::string ignored = highest_ignored(key.path, known);
    const Outcome outcome = outcome_of(key, ignored);
    INFO(outcome.said);
    CHECK(agrees(outcome, key, known.at(ignored).how));
  }
}

TEST_CASE("the table of keys has no key but those of the specification and our own") {
  std::set<std::string> specified;
  for (const SpecifiedKey& key : specified_keys()) specified.insert(key.path);
  CHECK(std::ranges::count_if(specified, [](const std::string& path) {
          return path.starts_with("services.") && path.find('.', 9) == std::string::npos;
        }) == 92);
  for (const auto& [path, key] : table()) {
    INFO(path);
    CHECK((specified.contains(path) || kOwn.contains(path)));
    CHECK((key.how == How::kRead || !key.why.empty()));
  }
}

}  // namespace hivemind::tests

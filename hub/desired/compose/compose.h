#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hub/desired/diagnostic.h"
#include "hub/desired/environment.h"
#include "hub/desired/pins.h"
#include "hub/desired/release.h"
#include "hub/desired/secrets.h"
#include "hub/desired/snapshot.h"
#include "hub/desired/yaml/node.h"

// Compose files in, Engine API bodies out. Pure but for reading the snapshot, and the machine's time zones
// where a stack has a window in one.
namespace hivemind::hub::compose {

// Whether variables are replaced by their values. kOff shows a file as it was written; it cannot be compiled.
enum class Interpolation { kOn, kOff };

// What stacks.yml says about how a stack is compiled.
struct Options {
  std::vector<std::string> profiles{};  // active ones, besides those of COMPOSE_PROFILES; "*": all
  UnsetVariables unset_variables = UnsetVariables::kError;
  Interpolation interpolation = Interpolation::kOn;
  PinImages pin = PinImages::kNo;       // unless a service says otherwise
  const Pins* pins = nullptr;           // null: nobody can be asked, and images stay as they are
  const SecretBook* secrets = nullptr;  // null: there is no hub, and they are taken for granted
  bool operator==(const Options&) const = default;
};

class FileCache;

// The files of one stack, read and parsed, not yet interpolated: done once, used for every environment.
struct Source {
  std::string stack;
  std::vector<yaml::Node> documents;  // of the Compose files, in order; a file may hold several
  std::string directory;              // of the first file: what relative paths start from
  // What they include and extend, read when it is asked for first and as lasting as this. For one thread.
  std::shared_ptr<FileCache> files{};
};

// Every path that was asked for, found or not, so that a later change of one of them is noticed. Grows.
using PathsRead = std::set<std::string, std::less<>>;

std::optional<Source> load(const Snapshot& snapshot, const std::string& stack,
                           const std::vector<std::string>& files, PathsRead& paths, Diagnostics& diagnostics);

// The release of a stack for one environment, or nothing when there were errors. Its digest and config hashes
// depend on content alone: not on the order of maps, the revision, or the machine (but for the rules of a
// window's zone, which the machine's tzdata has).
std::optional<CompiledRelease> compile(const Source& source, const Environment& environment,
                                       const Options& options, const Snapshot& snapshot, PathsRead& paths,
                                       Diagnostics& diagnostics);

}  // namespace hivemind::hub::compose

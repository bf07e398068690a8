#include "hub/desired/compose/assemble.h"

#include <algorithm>

#include "hub/desired/compose/merge.h"
#include "hub/desired/interpolate.h"

namespace hivemind::hub::compose {

// Each file is interpolated before it is merged: a default of one file is a value that the next may replace.
std::optional<yaml::Node> assemble(const Source& source, const Environment& environment,
                                   const Options& options, const Snapshot&, PathsRead&, Reader& reader) {
  Diagnostics& diagnostics = reader.diagnostics();
  const auto before = static_cast<std::ptrdiff_t>(diagnostics.size());
  std::vector<yaml::Node> documents = source.documents;
  for (yaml::Node& document : documents)
    interpolate(document, environment, options.unset_variables, diagnostics);
  const bool failed = std::any_of(diagnostics.begin() + before, diagnostics.end(),
                                  [](const Diagnostic& one) { return one.severity == Severity::kError; });
  if (failed) return std::nullopt;
  return merge(std::move(documents));
}

}  // namespace hivemind::hub::compose

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/desired/compose/compose.h"
#include "hub/desired/compose/reader.h"

namespace hivemind::hub::compose {

// The files of the repository that a stack is made of, read and parsed once for all of its environments. It
// belongs to one snapshot of what was read: whoever keeps it forgets it when a path of `paths` changes.
// For one thread.
class FileCache {
 public:
  // Who wants a file, and how that is called where it cannot be had.
  struct Request {
    std::string path;  // from the repository's root
    std::string_view what = "file";
    Location at;
    std::string_view remedy = {};
  };

  // The documents of a YAML file; null after an error, which is said. Stays as long as the cache.
  const std::vector<yaml::Node>* documents(const Request& request, const Snapshot& snapshot, PathsRead& paths,
                                           Reader& reader);
  // A file's text. An absent one is null, and an error only where it is required.
  enum class Need { kRequired, kOptional };
  const std::string* text(const Request& request, Need need, const Snapshot& snapshot, PathsRead& paths,
                          Reader& reader);

 private:
  struct File {
    std::string text;
    PathsRead paths;  // all that was looked at for it
    std::optional<std::vector<yaml::Node>> documents;
    bool parsed = false;
    Diagnostics diagnostics;  // of parsing
  };
  File* find(const Request& request, Need need, const Snapshot& snapshot, PathsRead& paths, Reader& reader);

  std::map<std::string, File, std::less<>> files_;
};

}  // namespace hivemind::hub::compose

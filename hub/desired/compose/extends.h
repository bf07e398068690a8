#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hub/desired/compose/file_cache.h"
#include "hub/desired/interpolate.h"

namespace hivemind::hub::compose {

// What assembling a stack's document needs everywhere. All must outlive it.
struct Workshop {
  const Snapshot& snapshot;
  PathsRead& paths;
  FileCache& files;
  Reader& reader;
  const Options& options;
  int loads = 0;  // files asked for so far, repeated ones counted again

  // Null, and said, when the stack is made of too many files or this one cannot be had.
  const std::vector<yaml::Node>* documents(const FileCache::Request& request);
  void substitute(yaml::Node& node, const Lookup& lookup, UnsetWarned& warned);
};

// Resolves 'extends' for the documents of one model: the stack's own files, or those of one include.
class Extends {
 public:
  // directory: what relative paths of the model start from. All must outlive it.
  Extends(Workshop& workshop, const Lookup& lookup, std::string directory)
      : workshop_(workshop), lookup_(lookup), directory_(std::move(directory)) {}

  // document: interpolated. Its services become what they are with those that they extend.
  void apply(yaml::Node& document);

 private:
  struct Link {
    std::string file;
    std::string service;
    bool operator==(const Link&) const = default;
  };
  using Chain = std::vector<Link>;

  // A file with services; those of other files than the model's own are interpolated when they are needed,
  // so that variables of a service which nobody extends need not be set.
  struct File {
    std::string path;
    std::string directory;
    const std::vector<yaml::Node>* documents = nullptr;
    yaml::Node* own = nullptr;                // instead: the services of the model's document
    std::map<std::string, yaml::Node> known;  // resolved already
  };
  struct Target {
    std::string service;
    Location at;
    Text file;  // empty: the same one
  };

  const yaml::Node* resolve(File& file, const std::string& name, Chain& chain, const Location& at);
  std::optional<yaml::Node> find(File& file, const std::string& name);
  std::optional<Target> read_target(const yaml::Node& node);
  bool add_base(File& file, const Target& target, Chain& chain, yaml::Node& service);
  File* open(const File& from, const Text& path);
  bool refuse_circle(const Chain& chain, const Link& link, const Location& at);

  Workshop& workshop_;
  const Lookup& lookup_;
  std::string directory_;
  std::map<std::string, File> files_;  // by path
  UnsetWarned warned_;
};

}  // namespace hivemind::hub::compose

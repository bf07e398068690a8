#include "hub/desired/compose/assemble.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.h"
#include "hub/desired/compose/extends.h"
#include "hub/desired/compose/include.h"
#include "hub/desired/compose/merge.h"
#include "hub/desired/compose/paths.h"
#include "hub/desired/env_file.h"
#include "hub/desired/interpolate.h"
#include "hub/desired/secret_env_file.h"

namespace hivemind::hub::compose {
namespace {

using yaml::Node;

constexpr std::size_t kMaxIncludeDepth = 16;

// Files that are read as one model: the stack's own, or those of one include.
struct Model {
  std::string directory;  // what relative paths start from
  Lookup lookup;
  std::vector<const Node*> documents;
  std::vector<std::string> chain;  // the files that led here, by inclusion
};

class Assembly {
 public:
  explicit Assembly(Workshop& workshop) : workshop_(workshop) {}

  // Each document is interpolated before it is merged: a default of one file is a value that the next may
  // replace.
  Node assemble(const Model& model) {
    Node merged;
    Extends extends(workshop_, model.lookup, model.directory);
    UnsetWarned warned;
    for (const Node* raw : model.documents) {
      Node document = *raw;
      workshop_.substitute(document, model.lookup, warned);
      if (!is_map(document)) continue;
      include_all(document, model);
      extends.apply(document);
      merge_document(merged, std::move(document), workshop_.reader);
    }
    finish_merge(merged);
    return merged;
  }

 private:
  bool is_map(const Node& document) {
    if (document.is_map()) return true;
    workshop_.reader.error(document.location, "compose.wrong-type",
                           "a Compose file must be a map with 'services', found " + document.describe());
    return false;
  }

  void include_all(Node& document, const Model& model) {
    const Node* node = document.find("include");
    if (node == nullptr) return;
    const std::vector<Include> includes = read_includes(*node, workshop_.reader);
    std::erase_if(document.members, [](const Node::Member& one) { return one.first.scalar == "include"; });
    Model below = model;
    below.chain.push_back(document.location.file);
    for (const Include& include : includes) {
      auto included = open(include, below);
      if (!included) continue;
      Node imported = assemble(*included);
      pass_variables(imported, included->lookup);
      rebase_document(imported, included->directory, model.directory);
      import_resources(document, std::move(imported), workshop_.reader);
    }
  }

  std::optional<Model> open(const Include& include, const Model& from) {
    Model model{"", {}, {}, from.chain};
    for (const Text& path : include.paths) {
      const auto file = full_path(path, "included file", from);
      if (!file || refuse_circle(*file, path.location, from)) return std::nullopt;
      if (&path == &include.paths.front()) model.directory = directory_of(*file);
      const auto* documents = workshop_.documents({*file, "included file", path.location, {}});
      if (documents == nullptr) return std::nullopt;
      for (const Node& document : *documents) model.documents.push_back(&document);
    }
    if (!include.project_directory.value.empty()) {
      const auto directory = full_path(include.project_directory, "project directory", from);
      if (!directory) return std::nullopt;
      model.directory = *directory;
    }
    auto variables = env_file_variables(include, model.directory, from);
    if (!variables) return std::nullopt;
    model.lookup = [outer = from.lookup, inner = std::make_shared<const Variables>(std::move(*variables))](
                       std::string_view name) -> std::optional<std::string> {
      if (auto value = outer(name)) return value;
      const auto found = inner->find(name);
      return found == inner->end() ? std::nullopt : std::optional(found->second);
    };
    return model;
  }

  std::optional<std::string> full_path(const Text& path, std::string_view what, const Model& from) {
    if (refuse_remote(path, what, workshop_.reader)) return std::nullopt;
    try {
      return join_path(from.directory, path.value);
    } catch (const Error& error) {
      workshop_.reader.error(path.location, "compose.path", error.what());
      return std::nullopt;
    }
  }

  bool refuse_circle(const std::string& file, const Location& at, const Model& from) {
    const bool circle = std::ranges::find(from.chain, file) != from.chain.end();
    if (!circle && from.chain.size() < kMaxIncludeDepth) return false;
    workshop_.reader.error(at, "compose.include-circle",
                           circle
                               ? fmt::format("files include each other in a circle: '{}' includes '{}'",
                                             fmt::join(from.chain, "' includes '"), file)
                               : fmt::format("files include each other more than {} deep", kMaxIncludeDepth));
    return true;
  }

  bool refuse_sops(const std::string& file) {
    workshop_.reader.error({file, 1, 1}, "compose.unsupported-value",
                           "SOPS has encrypted this file, and included files cannot have such",
                           "give it as 'env_file' of the stack in stacks.yml, or of the service");
    return false;
  }

  // Those of the stack win over them.
  std::optional<Variables> env_file_variables(const Include& include, const std::string& directory,
                                              const Model& from) {
    Variables all;
    const auto read = [&](const FileCache::Request& request, FileCache::Need need) {
      const std::string* text =
          workshop_.files.text(request, need, workshop_.snapshot, workshop_.paths, workshop_.reader);
      if (text == nullptr) return need == FileCache::Need::kOptional;
      if (is_sops_env_file(*text)) return refuse_sops(request.path);
      const Lookup lookup = [&](std::string_view name) -> std::optional<std::string> {
        if (auto value = from.lookup(name)) return value;
        const auto found = all.find(name);
        return found == all.end() ? std::nullopt : std::optional(found->second);
      };
      const auto variables = parse_env_file(*text, request.path, lookup, workshop_.reader.diagnostics(),
                                            workshop_.options.unset_variables);
      if (!variables) return false;
      for (const auto& [name, value] : *variables) all.insert_or_assign(name, value);
      return true;
    };
    if (include.env_files.empty()) {
      const std::string path = directory.empty() ? ".env" : directory + "/.env";
      if (!read({path, "env file", include.location, {}}, FileCache::Need::kOptional)) return std::nullopt;
    }
    for (const Text& file : include.env_files) {
      if (file.value == "/dev/null") continue;  // how a '.env' is left out
      const auto path = full_path(file, "env file", from);
      if (!path || !read({*path, "env file", file.location, {}}, FileCache::Need::kRequired))
        return std::nullopt;
    }
    return all;
  }

  // What an included file takes from its own variables by name alone is not there any more for the stack.
  static void pass_variables(Node& document, const Lookup& lookup) {
    for (const std::string_view kind : {"configs", "secrets"}) {
      if (const Node* all = document.find(kind)) pass_values(const_cast<Node&>(*all), lookup);
    }
    Node* services = const_cast<Node*>(std::as_const(document).find("services"));
    if (services == nullptr) return;
    for (auto& [name, service] : services->members) {
      Node* environment = const_cast<Node*>(std::as_const(service).find("environment"));
      if (environment == nullptr || !environment->is_sequence()) continue;
      for (Node& item : environment->items) {
        if (item.scalar.find('=') != std::string::npos) continue;
        const auto value = lookup(item.scalar);
        if (value) item.scalar += "=" + *value;
      }
    }
  }

  // Of configs and secrets that are made of a variable.
  static void pass_values(Node& all, const Lookup& lookup) {
    for (auto& [name, one] : all.members) {
      const Node* variable = one.find("environment");
      if (variable == nullptr || !variable->is_scalar() || one.find(kPassedValue) != nullptr) continue;
      const auto value = lookup(variable->scalar);
      if (!value) continue;
      Node key, text;
      for (Node* node : {&key, &text}) {
        node->kind = yaml::Kind::kScalar;
        node->location = variable->location;
      }
      key.scalar = kPassedValue;
      text.scalar = *value;
      one.members.emplace_back(std::move(key), std::move(text));
    }
  }

  Workshop& workshop_;
};

}  // namespace

std::optional<Node> assemble(const Source& source, const Environment& environment, const Options& options,
                             const Snapshot& snapshot, PathsRead& paths, Reader& reader) {
  Diagnostics& diagnostics = reader.diagnostics();
  const auto before = static_cast<std::ptrdiff_t>(diagnostics.size());
  Workshop workshop{snapshot, paths, *source.files, reader, options};
  Model model{source.directory, [&](std::string_view name) { return environment.get(name); }, {}, {}};
  for (const Node& document : source.documents) model.documents.push_back(&document);
  Node document = Assembly(workshop).assemble(model);
  const bool failed = std::any_of(diagnostics.begin() + before, diagnostics.end(),
                                  [](const Diagnostic& one) { return one.severity == Severity::kError; });
  if (failed) return std::nullopt;
  return document;
}

}  // namespace hivemind::hub::compose

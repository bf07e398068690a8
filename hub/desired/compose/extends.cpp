#include "hub/desired/compose/extends.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/error.h"
#include "hub/desired/compose/include.h"
#include "hub/desired/compose/merge.h"
#include "hub/desired/compose/paths.h"
#include "hub/desired/snapshot.h"

namespace hivemind::hub::compose {
namespace {

using yaml::Node;

constexpr int kMaxLoads = 100;
constexpr std::size_t kMaxChain = 32;
constexpr std::string_view kKey = "extends";

void erase(Node& map, std::string_view key) {
  std::erase_if(map.members, [&](const Node::Member& one) { return one.first.scalar == key; });
}

}  // namespace

const std::vector<Node>* Workshop::documents(const FileCache::Request& request) {
  if (++loads > kMaxLoads) {
    if (loads == kMaxLoads + 1) {
      reader.error(request.at, "compose.too-many-files",
                   fmt::format("the stack includes and extends more than {} files", kMaxLoads),
                   "make them fewer");
    }
    return nullptr;
  }
  return files.documents(request, snapshot, paths, reader);
}

void Workshop::substitute(Node& node, const Lookup& lookup, UnsetWarned& warned) {
  if (options.interpolation == Interpolation::kOff) return;
  interpolate(node, lookup, options.unset_variables, reader.diagnostics(), warned);
}

void Extends::apply(Node& document) {
  Node* services = const_cast<Node*>(std::as_const(document).find("services"));
  if (services == nullptr || !services->is_map()) return;
  File own{document.location.file, directory_, nullptr, services, {}};
  for (const auto& [name, service] : services->members) {
    if (service.find(kKey) == nullptr) continue;
    Chain chain;
    resolve(own, name.scalar, chain, name.location);
  }
  for (auto& [name, service] : services->members) {
    if (const auto known = own.known.find(name.scalar); known != own.known.end()) service = known->second;
    erase(service, kKey);
  }
}

// Null after an error.
const Node* Extends::resolve(File& file, const std::string& name, Chain& chain, const Location& at) {
  if (const auto known = file.known.find(name); known != file.known.end()) return &known->second;
  Link link{file.path, name};
  if (refuse_circle(chain, link, at)) return nullptr;
  auto service = find(file, name);
  if (!service) {
    workshop_.reader.error(at, "compose.missing-service",
                           fmt::format("extended service '{}' is not in '{}'", name, file.path));
    return nullptr;
  }
  const Reader::Scope scope = workshop_.reader.in_service(name);
  if (const Node* extends = service->find(kKey); extends != nullptr && extends->tag != "!reset") {
    const auto target = read_target(*extends);
    if (!target) return nullptr;
    chain.push_back(std::move(link));
    const bool done = add_base(file, *target, chain, *service);
    chain.pop_back();
    if (!done) return nullptr;
  }
  erase(*service, kKey);
  return &file.known.emplace(name, std::move(*service)).first->second;
}

std::optional<Node> Extends::find(File& file, const std::string& name) {
  if (file.own != nullptr) {
    const Node* found = file.own->find(name);
    return found == nullptr ? std::nullopt : std::optional(*found);
  }
  std::optional<Node> merged;
  for (const Node& document : *file.documents) {
    const Node* services = document.find("services");
    const Node* found = services == nullptr ? nullptr : services->find(name);
    if (found == nullptr) continue;
    Node service = *found;
    workshop_.substitute(service, lookup_, warned_);
    if (merged)
      merge_service(*merged, std::move(service), workshop_.reader);
    else
      merged = std::move(service);
  }
  return merged;
}

std::optional<Extends::Target> Extends::read_target(const Node& node) {
  Reader& reader = workshop_.reader;
  const Reader::Scope scope = reader.in_key(std::string(kKey));
  if (node.is_scalar()) return Target{node.scalar, node.location, {}};
  if (!node.is_map()) {
    reader.wrong_type(node, "the name of a service, or a map with 'service' and 'file'");
    return std::nullopt;
  }
  constexpr std::string_view kKeys[] = {"service", "file"};
  Target target;
  for (const auto& [key, value] : node.members) {
    const Reader::Scope below = reader.in_key(key.scalar);
    if (key.scalar == "service") {
      target.service = reader.text(value).value_or("");
      target.at = value.location;
    } else if (key.scalar == "file" && !value.is_null()) {
      target.file = {reader.text(value).value_or(""), value.location};
    } else if (key.scalar != "file" && !key.scalar.starts_with("x-")) {
      reader.unknown_key(key, kKeys);
    }
  }
  if (!target.service.empty()) return target;
  reader.error(node.location, "compose.missing-key", "'extends' needs the name of a 'service'");
  return std::nullopt;
}

// Nothing of the service is lost when its base cannot be had: the error is said, and there is no document.
bool Extends::add_base(File& file, const Target& target, Chain& chain, Node& service) {
  File* from = target.file.value.empty() ? &file : open(file, target.file);
  const Node* base = from == nullptr ? nullptr : resolve(*from, target.service, chain, target.at);
  if (base == nullptr) return false;
  if (base->is_null()) return true;
  Node merged = *base;
  rebase_service(merged, from->directory, file.directory);
  merged.location = service.location;
  merge_service(merged, std::move(service), workshop_.reader);
  service = std::move(merged);
  return true;
}

Extends::File* Extends::open(const File& from, const Text& path) {
  Reader& reader = workshop_.reader;
  if (refuse_remote(path, "extended file", reader)) return nullptr;
  std::string full;
  try {
    full = join_path(from.directory, path.value);
  } catch (const Error& error) {
    reader.error(path.location, "compose.path", error.what());
    return nullptr;
  }
  if (const auto known = files_.find(full); known != files_.end()) return &known->second;
  const auto* documents = workshop_.documents({full, "extended file", path.location, {}});
  if (documents == nullptr) return nullptr;
  return &files_.emplace(full, File{full, directory_of(full), documents, nullptr, {}}).first->second;
}

bool Extends::refuse_circle(const Chain& chain, const Link& link, const Location& at) {
  const bool circle = std::ranges::find(chain, link) != chain.end();
  if (!circle && chain.size() < kMaxChain) return false;
  std::string shown;
  for (const Link& one : chain) shown += fmt::format("'{}' of '{}' extends ", one.service, one.file);
  shown += fmt::format("'{}' of '{}'", link.service, link.file);
  workshop_.reader.error(at, "compose.extends-circle",
                         circle ? "services extend each other in a circle: " + shown
                                : fmt::format("services extend each other more than {} deep", kMaxChain),
                         "let one of them stand on its own");
  return true;
}

}  // namespace hivemind::hub::compose

#include "agent/apply/seed_record.h"

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/file.h"
#include "common/log.h"

namespace hivemind::agent {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;

bool is_version(const std::optional<std::string>& found, const std::optional<SeedVersion>& version) {
  return found && version && *found == version->sha256;
}

json to_json(const SeedVersion& version) {
  json object{{"sha256", version.sha256}, {"size", version.size}, {"mode", version.mode}};
  if (version.uid) object["uid"] = *version.uid;
  if (version.gid) object["gid"] = *version.gid;
  return object;
}

std::optional<SeedVersion> version_from(const json& seed, const char* key) {
  const auto object = seed.find(key);
  if (object == seed.end()) return std::nullopt;
  SeedVersion version;
  version.sha256 = object->at("sha256").get<std::string>();
  version.size = object->at("size").get<std::uint64_t>();
  version.mode = object->at("mode").get<std::uint32_t>();
  if (object->contains("uid")) version.uid = object->at("uid").get<std::uint32_t>();
  if (object->contains("gid")) version.gid = object->at("gid").get<std::uint32_t>();
  return version;
}

SeedRecord record_from(const json& document) {
  if (document.at("format").get<int>() != kFormat) {
    throw Error(ErrorCode::kCorrupt, "expected format {}", kFormat);
  }
  SeedRecord record;
  for (const auto& [path, object] : document.at("seeds").items()) {
    record[path] = {version_from(object, "written"), version_from(object, "wanted"),
                    object.value("kept", false)};
  }
  return record;
}

}  // namespace

SeedMove move_of(const Seed& seed, const std::optional<std::string>& found) {
  const bool is_written = is_version(found, seed.written);
  if (!seed.wanted) {
    if (!found) return SeedMove::kForget;
    return is_written ? SeedMove::kRemove : SeedMove::kKeep;
  }
  const bool is_news = !seed.written || *seed.written != *seed.wanted;
  if (!found) return is_news || seed.kept ? SeedMove::kWrite : SeedMove::kNone;
  if (is_version(found, seed.wanted)) {
    // Git may have changed no more than the permissions of what it wrote.
    if (is_written && is_news) return SeedMove::kWrite;
    return is_news || seed.kept ? SeedMove::kAdopt : SeedMove::kNone;
  }
  return is_written ? SeedMove::kWrite : SeedMove::kKeep;
}

void want(Seed& seed, const std::optional<SeedVersion>& version, const std::optional<std::string>& found) {
  if (is_version(found, seed.wanted) && !is_version(found, seed.written)) seed.written = seed.wanted;
  seed.wanted = version;
}

SeedRecord load_seeds(const std::filesystem::path& file) {
  try {
    return record_from(json::parse(read_file(file)));
  } catch (const json::exception& error) {
    log::error("'{}' is damaged: {}", file.string(), error.what());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound && error.code() != ErrorCode::kCorrupt) throw;
    if (error.code() == ErrorCode::kCorrupt) log::error("'{}' is damaged: {}", file.string(), error.what());
  }
  return {};
}

void save_seeds(const std::filesystem::path& file, const SeedRecord& record) {
  json seeds = json::object();
  for (const auto& [path, seed] : record) {
    json object = json::object();
    if (seed.written) object["written"] = to_json(*seed.written);
    if (seed.wanted) object["wanted"] = to_json(*seed.wanted);
    if (seed.kept) object["kept"] = true;
    seeds[path] = std::move(object);
  }
  write_file_durably(file, json{{"format", kFormat}, {"seeds", std::move(seeds)}}.dump(), 0600);
}

}  // namespace hivemind::agent

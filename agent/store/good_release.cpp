#include "agent/store/good_release.h"

#include <string_view>

#include <fmt/format.h>

#include "common/digest.h"
#include "hivemind/v1/manifest.pb.h"

namespace hivemind::agent {

std::string checksum_of(const GoodRelease& release) {
  std::string all;
  const auto add = [&](std::string_view value) { all += fmt::format("{}:{}", value.size(), value); };
  for (const std::string& value : {release.digest, release.revision, release.release}) add(value);
  for (const auto* map : {&release.services, &release.images}) {
    add(std::to_string(map->size()));
    for (const auto& [name, value] : *map) {
      add(name);
      add(value);
    }
  }
  return sha256_hex(all);
}

std::set<std::string> files_named_in(const std::string& body) {
  std::set<std::string> files;
  v1::Release release;
  if (body.empty() || !release.ParseFromString(body)) return files;
  for (const v1::Service& service : release.services()) {
    for (const v1::FileMount& mount : service.file_mounts()) {
      for (const v1::FileEntry& entry : mount.entries()) {
        if (entry.secret().empty()) files.insert(entry.sha256());
      }
    }
  }
  return files;
}

}  // namespace hivemind::agent

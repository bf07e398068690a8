#include "tests/support/docker_registry.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "common/digest.h"
#include "common/error.h"

namespace hivemind::tests {
namespace {

constexpr const char* kProgram = "/usr/bin/docker-registry";
constexpr const char* kImage = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* kIndex = "application/vnd.oci.image.index.v1+json";
constexpr const char* kConfig = "application/vnd.oci.image.config.v1+json";
constexpr const char* kUserSecret = "user:$2b$04$l.WwtFTDG5crLjDG5aszHuxo1buMffsm.iGOugY30TZMnWOD.iKOS";

std::string digest_of(const std::string& content) {
  return "sha256:" + sha256_hex(content);
}

}  // namespace

bool DockerRegistry::is_installed() {
  return std::filesystem::exists(kProgram);
}

DockerRegistry::DockerRegistry(Access access) : access_(access), port_(free_port()) {
  std::ofstream file(configuration());
  file << "version: 0.1\nlog: {level: error}\nhttp: {addr: '" << host()
       << "'}\nstorage: {filesystem: {rootdirectory: " << (directory_ / "images").string() << "}}\n";
  if (access == Access::kLogin) {
    std::ofstream(directory_ / "htpasswd") << kUserSecret << "\n";
    file << "auth: {htpasswd: {realm: test, path: " << (directory_ / "htpasswd").string() << "}}\n";
  }
  file.close();
  start();
}

void DockerRegistry::start() {
  process_.emplace(std::vector<std::string>{kProgram, "serve", configuration()});
  const bool up = wait_until(
      [this] {
        try {
          return send("GET", "/v2/").status == 200;
        } catch (const Error&) {
          return false;
        }
      },
      std::chrono::seconds(10));
  if (!up) throw std::runtime_error("the registry does not answer");
}

http::Response DockerRegistry::send(const std::string& method, const std::string& target,
                                    const std::string& body, Headers headers) const {
  if (access_ == Access::kLogin) headers.emplace_back("Authorization", "Basic " + to_base64("user:secret"));
  http::Request request{.method = method, .target = target, .headers = std::move(headers), .body = body};
  return BlockingHttp("http://" + host()).send(std::move(request));
}

std::string DockerRegistry::put_blob(const std::string& repository, const std::string& content) const {
  const http::Response begun = send("POST", "/v2/" + repository + "/blobs/uploads/");
  std::string where(begun.header("location"));
  where = where.substr(where.find("/v2/"));
  const http::Response done = send("PUT", where + "&digest=" + digest_of(content), content,
                                   {{"Content-Type", "application/octet-stream"}});
  if (!done.ok()) throw std::runtime_error("the registry does not take a blob: " + done.body);
  return digest_of(content);
}

std::string DockerRegistry::put_manifest(const std::string& repository, const std::string& reference,
                                         const nlohmann::json& manifest) const {
  const http::Response done = send("PUT", "/v2/" + repository + "/manifests/" + reference, manifest.dump(),
                                   {{"Content-Type", manifest.at("mediaType").get<std::string>()}});
  if (!done.ok()) throw std::runtime_error("the registry does not take a manifest: " + done.body);
  return digest_of(manifest.dump());
}

nlohmann::json DockerRegistry::image_manifest(const std::string& repository,
                                              const std::string& content) const {
  const std::string config = nlohmann::json{{"comment", content}}.dump();
  return {
      {"schemaVersion", 2},
      {"mediaType", kImage},
      {"config", {{"mediaType", kConfig}, {"size", config.size()}, {"digest", put_blob(repository, config)}}},
      {"layers", nlohmann::json::array()}};
}

std::string DockerRegistry::push(const std::string& repository, const std::string& tag,
                                 const std::string& content) const {
  return put_manifest(repository, tag, image_manifest(repository, content));
}

std::string DockerRegistry::push_index(const std::string& repository, const std::string& tag,
                                       const std::vector<std::string>& platforms) const {
  nlohmann::json index = {
      {"schemaVersion", 2}, {"mediaType", kIndex}, {"manifests", nlohmann::json::array()}};
  for (const std::string& platform : platforms) {
    const nlohmann::json manifest = image_manifest(repository, platform);
    const std::string digest = put_manifest(repository, digest_of(manifest.dump()), manifest);
    const std::size_t slash = platform.find('/');
    const std::size_t next = platform.find('/', slash + 1);
    nlohmann::json described = {{"os", platform.substr(0, slash)},
                                {"architecture", platform.substr(slash + 1, next - slash - 1)}};
    if (next != std::string::npos) described["variant"] = platform.substr(next + 1);
    index["manifests"].push_back({{"mediaType", kImage},
                                  {"size", manifest.dump().size()},
                                  {"digest", digest},
                                  {"platform", described}});
  }
  return put_manifest(repository, tag, index);
}

}  // namespace hivemind::tests

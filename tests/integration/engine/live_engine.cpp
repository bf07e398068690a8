#include "tests/integration/engine/live_engine.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <unistd.h>

#include "common/error.h"
#include "tests/support/catch.h"

namespace hivemind::tests {

namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (content.empty()) throw std::runtime_error(path + " is missing (install busybox-static)");
  return content;
}

enum class Entry : char { kFile = '0', kSymbolicLink = '2' };

std::string tar_header(Entry type, const std::string& name, std::size_t size, const std::string& target) {
  std::array<char, 512> header{};
  std::snprintf(header.data(), 100, "%s", name.c_str());
  std::snprintf(header.data() + 100, 8, "%07o", 0755);
  std::snprintf(header.data() + 108, 8, "%07o", 0);
  std::snprintf(header.data() + 116, 8, "%07o", 0);
  std::snprintf(header.data() + 124, 12, "%011zo", size);
  std::snprintf(header.data() + 136, 12, "%011o", 0);
  header[156] = static_cast<char>(type);
  std::snprintf(header.data() + 157, 100, "%s", target.c_str());
  std::snprintf(header.data() + 257, 6, "ustar");
  header[263] = header[264] = '0';
  std::fill_n(header.begin() + 148, 8, ' ');
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::snprintf(header.data() + 148, 8, "%06o", sum);
  return {header.data(), header.size()};
}

// A tar archive with busybox as /bin/sh and /bin/sleep.
std::string archive_of(const std::string& busybox) {
  const std::size_t padding = (512 - busybox.size() % 512) % 512;
  return tar_header(Entry::kFile, "bin/sh", busybox.size(), "") + busybox + std::string(padding, '\0') +
         tar_header(Entry::kSymbolicLink, "bin/sleep", 0, "sh") + std::string(1024, '\0');
}

std::string own_node() {
  return "engine-contract-" + std::to_string(getpid());
}

}  // namespace

bool LiveEngine::is_reachable() {
  if (std::getenv("DOCKER_HOST") == nullptr) {
    WARN("skipped: DOCKER_HOST is not set");
    return false;
  }
  boost::asio::io_context loop{1};
  agent::DockerEngine engine(loop.get_executor(), agent::engine_address_from_environment(), "none");
  try {
    tests::await(loop, engine.negotiate());
    return true;
  } catch (const Error& error) {
    WARN("skipped: " << error.what());
    return false;
  }
}

LiveEngine::LiveEngine()
    : node(own_node()),
      address(agent::engine_address_from_environment()),
      engine(loop.get_executor(), address, node),
      client_(loop.get_executor(), address) {
  clean_up();
  import_image();
}

LiveEngine::~LiveEngine() {
  try {
    clean_up();
    raw("DELETE", "/images/" + image() + "?force=1");
  } catch (const std::exception& error) {
    WARN("not cleaned up: " << error.what());
  }
}

http::Response LiveEngine::raw(const std::string& method, const std::string& target,
                               const std::string& body) {
  http::Request request;
  request.method = method;
  request.target = target;
  request.body = body;
  return await(client_.send(request));
}

std::string LiveEngine::labels() const {
  return "{\"com.hivemind.managed\":\"true\",\"com.hivemind.node\":\"" + node + "\"}";
}

std::string LiveEngine::body(const std::string& command, const std::string& more) const {
  return "{\"Image\":\"" + image() + "\",\"Cmd\":[\"/bin/sh\",\"-c\",\"" + command +
         "\"],\"Labels\":" + labels() + ",\"StopTimeout\":1" + more + "}";
}

std::string LiveEngine::make(const std::string& suffix, const std::string& command, const std::string& more) {
  return await(engine.create_container(name(suffix), "", body(command, more))).id;
}

void LiveEngine::import_image() {
  http::Request request;
  request.method = "POST";
  request.target = "/images/create?fromSrc=-&repo=" + node + "&tag=1";
  request.headers = {{"Content-Type", "application/x-tar"}};
  request.body = archive_of(read_file("/bin/busybox"));
  const auto response = await(client_.send(request));
  if (!response.ok()) throw std::runtime_error("image not imported: " + response.body);
}

void LiveEngine::clean_up() {
  const auto observed = await(engine.observe());
  for (const auto& container : observed.containers) await(engine.remove_container(container.id, true));
  for (const auto& network : observed.networks) await(engine.remove_network(network.id));
  for (const auto& volume : observed.volumes) raw("DELETE", "/volumes/" + volume.name + "?force=1");
}

}  // namespace hivemind::tests

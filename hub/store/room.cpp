#include "hub/store/room.h"

#include <string>

#include "common/file.h"

namespace hivemind::hub {
namespace {

constexpr std::size_t kBytes = 64u << 10;
constexpr const char* kFile = "room";
constexpr std::string_view kRow = "room";

// What a failed attempt has left would take the very room that is asked for.
struct Remains {
  std::filesystem::path file;
  ~Remains() {
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
    std::filesystem::remove(file.string() + ".new", ignored);
  }
};

}  // namespace

void require_room(const std::filesystem::path& directory, Store& store) {
  const Remains remains{directory / kFile};
  write_file_durably(remains.file, std::string(kBytes, '\0'), 0600);
  store.set_meta(kRow, store.meta(kRow) == "1" ? "2" : "1");
}

}  // namespace hivemind::hub

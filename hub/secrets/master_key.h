#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

namespace hivemind::hub {

// What everything secret in the hub's data directory is encrypted under. Wiped when it goes.
class MasterKey {
 public:
  static MasterKey generate();
  // Throws kNotFound, kDenied for a file that others can read, kCorrupt for one that holds no key.
  static MasterKey load(const std::filesystem::path& file);
  MasterKey(MasterKey&& other) noexcept;
  MasterKey& operator=(MasterKey&&) = delete;
  ~MasterKey();

  // For a file, to be read by load().
  std::string text() const;

  // 32 bytes for one purpose, which say nothing about those for another, nor about the key.
  enum class Purpose { kEncryption = 1, kIds = 2, kSealing = 3 };
  std::string derive(Purpose purpose) const;

 private:
  MasterKey() = default;

  std::array<unsigned char, 32> bytes_{};
};

// Where the key is: the file that was asked for, else systemd's credential "hivemind-master-key", else
// master.key in the data directory.
std::filesystem::path master_key_file(const std::filesystem::path& asked_for,
                                      const std::filesystem::path& data_dir, const char* credentials_dir);

}  // namespace hivemind::hub

#pragma once

#include <filesystem>
#include <string_view>

namespace hivemind::hub::api {

enum class TlsMode {
  kAuto,  // beyond this machine
  kOn,
  kOff,
};

struct TlsOptions {
  TlsMode mode = TlsMode::kAuto;
  // The operator's own, PEM: the certificate with its chain, and its key. Empty: the one from the hub's CA
  // alone.
  std::filesystem::path certificate;
  std::filesystem::path key;
};

// Whether HOST:PORT can be reached from this machine only.
bool is_loopback(std::string_view listen);

// Throws kInvalid for what is neither auto, on nor off.
TlsMode tls_mode_of(std::string_view text);

}  // namespace hivemind::hub::api

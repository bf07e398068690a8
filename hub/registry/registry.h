#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include "common/error.h"
#include "hub/desired/pins.h"
#include "hub/registry/credentials.h"
#include "hub/registry/image_name.h"
#include "hub/registry/transfer.h"

namespace hivemind::hub::registry {

// How registries are reached.
struct Options {
  std::filesystem::path credentials{};  // of docker's config.json's format; empty: none
  std::set<std::string> insecure{};     // hosts that are asked over plain HTTP, besides those of this machine
  TransferLimits limits{};
  // Logins that are kept elsewhere, by canonical registry; they come before those of the file. Called on any
  // thread.
  std::function<std::optional<Login>(const std::string& registry)> kept_login{};
};

// Why an image has no digest. Codes: kNotFound: no such tag; kDenied: a login is missing or wrong; kInvalid:
// what is there cannot be pinned; kUnavailable: the registry does not answer as it should.
struct Refusal {
  Error error;
  std::optional<std::chrono::seconds> retry_after{};  // the registry wants to be left alone for so long
};

using Resolution = std::variant<Pin, Refusal>;

// Asks registries (OCI distribution specification) what tags are.
//
// Thread: made before there are others; resolve() on any, and several at once.
class Registries {
 public:
  explicit Registries(Options options) : options_(std::move(options)) {}

  // Blocks for as long as the limits allow. known: the last answer for this name; null: none. cancelled: ends
  // it soon.
  Resolution resolve(const ImageName& name, const Pin* known, const std::atomic<bool>& cancelled) const;

 private:
  TransferLibrary library_;
  Options options_;
};

}  // namespace hivemind::hub::registry

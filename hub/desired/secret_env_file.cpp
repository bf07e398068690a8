#include "hub/desired/secret_env_file.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/error.h"
#include "common/secret_text.h"
#include "hub/desired/env_file.h"

namespace hivemind::hub {
namespace {

constexpr std::string_view kVersionKey = "sops_version=";
constexpr std::string_view kMacKey = "sops_mac=";
constexpr std::string_view kOwnKeys = "sops_";

// Line that begins with the text, counted from 1; 0: there is none.
int line_of(std::string_view text, std::string_view beginning) {
  for (int line = 1; !text.empty(); ++line) {
    if (text.starts_with(beginning)) return line;
    text.remove_prefix(std::min(text.size(), std::min(text.find('\n'), text.size()) + 1));
  }
  return 0;
}

Diagnostic failed(const std::string& file, int line, std::string message, std::string remedy) {
  return {.code = std::string(kSopsFailed),
          .location = {file, line, 1},
          .message = std::move(message),
          .remedy = std::move(remedy)};
}

}  // namespace

bool is_sops_env_file(std::string_view text) {
  return line_of(text, kVersionKey) != 0 && line_of(text, kMacKey) != 0;
}

std::optional<Variables> decrypt_env_file(const std::string& text, const std::string& file,
                                          const Lookup& lookup, const SecretBook& book, SecretValues& secrets,
                                          Diagnostics& diagnostics) {
  const int line = line_of(text, kOwnKeys);
  std::string plain;
  try {
    plain = book.decrypt_env_file(text);
  } catch (const Error& error) {
    const bool absent = error.code() == ErrorCode::kNotFound;
    diagnostics.push_back(failed(file, line, fmt::format("SOPS has encrypted this file: {}", error.what()),
                                 absent ? "install sops where the hub runs" : ""));
    return std::nullopt;
  }
  Diagnostics quoting;  // what would be said of the text might show parts of it
  const auto variables = parse_env_file(plain, file, lookup, quoting);
  wipe(plain);
  if (!variables) {
    const int at = quoting.empty() ? 1 : quoting.front().location.line;
    diagnostics.push_back(failed(file, line,
                                 fmt::format("line {} of what SOPS decrypted is none of an env file", at),
                                 "edit it with 'sops'"));
    return std::nullopt;
  }
  Variables placeholders;
  for (const auto& [name, value] : *variables) {
    if (value.empty()) {
      placeholders.emplace(name, value);
      continue;
    }
    const std::string id = book.id(name, value);
    secrets.try_emplace(id, std::make_shared<const Secret>(name, value));
    placeholders.emplace(name, secret_placeholder(id));
  }
  return placeholders;
}

}  // namespace hivemind::hub

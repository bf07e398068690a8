#pragma once

#include <filesystem>
#include <string_view>

#include "common/secret_text.h"

namespace hivemind {

// Whole content of a file that holds a secret. Its owner alone may have any right to it (0600). A file of
// root's that we read as another user may also be readable for its group (0640): there is no other way to
// hand it to us, and so does systemd with its credentials.
//
// what: what it is, for the message, such as "signing key". Throws kDenied for a file that others can read,
// else as read_file().
SecretText read_private_file(const std::filesystem::path& file, std::string_view what);

}  // namespace hivemind

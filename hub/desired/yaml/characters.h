#pragma once

#include <string>
#include <string_view>

#include "hub/desired/diagnostic.h"

namespace hivemind::hub::yaml {

// The text without its byte order mark.
std::string_view without_byte_order_mark(std::string_view text);

// Whether the text is UTF-8 and has only characters that YAML allows (1.2.2, 5.1); says where it is not,
// under the code. Not left to yaml-cpp, which replaces broken bytes in silence and takes U+0004 for the end
// of the file.
bool check_characters(std::string_view text, const std::string& file, std::string_view code,
                      Diagnostics& diagnostics);

}  // namespace hivemind::hub::yaml

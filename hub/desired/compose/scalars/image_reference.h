#pragma once

#include <string_view>

namespace hivemind::hub::compose {

// Whether the text is an image reference: [host[:port]/]path[:tag][@sha256:<64 hex>], the path in lower case.
bool is_image_reference(std::string_view text);

}  // namespace hivemind::hub::compose

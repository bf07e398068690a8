#include "common/secret_text.h"

#include <sodium.h>

namespace hivemind {

void wipe(std::string& text) {
  text.resize(text.capacity());
  if (!text.empty()) sodium_memzero(text.data(), text.size());
  text.clear();
}

}  // namespace hivemind

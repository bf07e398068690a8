#include <cstdlib>
#include <random>
#include <string>

#include <fmt/format.h>

#include "tests/fuzz/fuzz.h"

// Runs a fuzz target without libFuzzer: a fixed number of inputs, made from the seeds by the same random
// numbers each time, so that what fails once fails again.
namespace hivemind::tests {
namespace {

constexpr int kInputs = 100'000;
constexpr std::size_t kLongest = 2000;
constexpr std::string_view kBytes = "${}:-?+'\"\\ \n\r\t#=!&*<>[],|%@~0a_.\xC2\xA0\xEF\xBB\xBF\xFF";

class Mutations {
 public:
  explicit Mutations(std::span<const std::string_view> seeds) : seeds_(seeds) {}

  std::string next() {
    std::string text(any_seed());
    for (std::size_t changes = below(8); changes > 0; --changes) change(text);
    if (text.size() > kLongest) text.resize(kLongest);
    return text;
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }
  std::string_view any_seed() { return seeds_[below(seeds_.size())]; }

  // A piece of the text itself, or of another seed.
  std::string piece(std::string_view from) {
    const std::size_t start = below(from.size());
    return std::string(from.substr(start, below(40)));
  }

  void change(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    switch (below(6)) {
      case 0:
        text.insert(at, 1, kBytes[below(kBytes.size())]);
        break;
      case 1:
        text.erase(at, below(10));
        break;
      case 2:
        if (at < text.size()) text[at] = kBytes[below(kBytes.size())];
        break;
      case 3:
        text.insert(at, piece(text));
        break;
      case 4:
        text.insert(at, piece(any_seed()));
        break;
      default:
        text.resize(at);
        break;
    }
  }

  std::span<const std::string_view> seeds_;
  std::mt19937 random_{20'240'501};
};

}  // namespace
}  // namespace hivemind::tests

int main() {
  hivemind::tests::Mutations mutations(hivemind::tests::fuzz_seeds());
  for (int i = 0; i < hivemind::tests::kInputs; ++i) {
    const std::string input = mutations.next();
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  }
  fmt::print("{} inputs\n", hivemind::tests::kInputs);
}

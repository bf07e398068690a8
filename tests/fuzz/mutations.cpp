#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "common/file.h"
#include "tests/fuzz/fuzz.h"

// Runs a fuzz target without libFuzzer: what is in the corpus, and a fixed number of inputs made from it by
// the same random numbers each time, so that what fails once fails again.
namespace hivemind::tests {
namespace {

constexpr std::size_t kLongest = 4000;
constexpr std::string_view kBytes = "${}:-?+'\"\\ \n\r\t#=!&*<>[],|%@~0a_./\xC2\xA0\xEF\xBB\xBF\xFF";

using Corpus = std::vector<std::string>;

Corpus corpus_in(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) files.push_back(entry.path());
  std::ranges::sort(files);
  Corpus corpus;
  for (const auto& file : files) corpus.push_back(read_file(file));
  require(!corpus.empty(), "the corpus is empty");
  return corpus;
}

class Mutations {
 public:
  explicit Mutations(const Corpus& corpus) : corpus_(corpus) {}

  std::string next() {
    std::string text(any());
    for (std::size_t changes = below(8); changes > 0; --changes) change(text);
    if (text.size() > kLongest) text.resize(kLongest);
    return text;
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }
  std::string_view any() { return corpus_[below(corpus_.size())]; }

  // A piece of the text itself, or of another one.
  std::string piece(std::string_view from) {
    const std::size_t start = below(from.size());
    return std::string(from.substr(start, below(40)));
  }

  void change(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    switch (below(7)) {
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
        text.insert(at, piece(any()));
        break;
      case 5:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        break;
      default:
        text.resize(at);
        break;
    }
  }

  const Corpus& corpus_;
  std::mt19937 random_{20'240'501};
};

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

}  // namespace
}  // namespace hivemind::tests

// CORPUS INPUTS
int main(int argc, char** argv) {
  using namespace hivemind::tests;
  require(argc == 3, "usage: fuzz_… CORPUS INPUTS");
  const Corpus corpus = corpus_in(argv[1]);
  const int inputs = std::atoi(argv[2]);
  for (const std::string& input : corpus) run(input);
  Mutations mutations(corpus);
  for (int i = 0; i < inputs; ++i) run(mutations.next());
  fmt::print("{} inputs\n", corpus.size() + static_cast<std::size_t>(inputs));
}

// What the documentation promises, as far as a program can tell: links lead somewhere, commands are commands,
// and examples of files are right.
#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "common/file.h"
#include "hub/cli/invocation.h"
#include "tests/support/catch.h"

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> pages() {
  const fs::path root = HIVEMIND_SOURCE_DIR;
  std::vector<fs::path> result;
  for (const fs::path& directory : {root, root / "docs"}) {
    for (const auto& entry : fs::directory_iterator(directory)) {
      if (entry.path().extension() == ".md") result.push_back(entry.path());
    }
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::vector<std::string> lines_of(const fs::path& page) {
  std::istringstream text(hivemind::read_file(page));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

// The lines inside ``` fences of one of these languages.
std::vector<std::string> fenced(const fs::path& page, const std::vector<std::string>& languages) {
  std::vector<std::string> result;
  std::string language;
  bool inside = false;
  for (const std::string& line : lines_of(page)) {
    if (line.starts_with("```")) {
      inside = !inside;
      language = line.substr(3);
    } else if (inside && std::find(languages.begin(), languages.end(), language) != languages.end()) {
      result.push_back(line);
    }
  }
  return result;
}

// "hivemind sync --wait   # fetch" -> {"sync", "--wait"}; what a shell would do on top ends the command.
std::vector<std::string> arguments_of(const std::string& line) {
  std::istringstream words(line.substr(0, line.find_first_of("#|;&>")));
  std::vector<std::string> result;
  words >> result.emplace_back();
  result.clear();
  for (std::string word; words >> word;) result.push_back(word);
  return result;
}

}  // namespace

TEST_CASE("every 'hivemind' command in the documentation is one that the program takes") {
  int commands = 0;
  for (const fs::path& page : pages()) {
    for (const std::string& line : fenced(page, {"sh"})) {
      if (!line.starts_with("hivemind ")) continue;
      const auto parsed = hivemind::hub::cli::parse_command_line(arguments_of(line));
      const auto* answered = std::get_if<hivemind::hub::cli::Answered>(&parsed);
      CAPTURE(page, line);
      CHECK((answered == nullptr || answered->code == hivemind::hub::cli::ExitCode::kOk));
      ++commands;
    }
  }
  CHECK(commands > 5);
}

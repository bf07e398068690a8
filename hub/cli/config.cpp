#include "hub/desired/compose/config.h"

#include <algorithm>
#include <ostream>

#include <fmt/format.h>

#include "common/error.h"
#include "common/file.h"
#include "hub/cli/commands.h"
#include "hub/cli/views.h"
#include "hub/desired/diagnostic_json.h"
#include "hub/desired/directory_snapshot.h"
#include "hub/desired/env_file.h"
#include "hub/desired/yaml/print.h"

// config: the compiler's view of Compose files that need not be in a fleet's repository.
namespace hivemind::hub::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProjectName = "COMPOSE_PROJECT_NAME";

fs::path found(const fs::path& path) {
  std::error_code error;
  fs::path canonical = fs::canonical(path, error);
  if (error) throw Error(ErrorCode::kNotFound, fmt::format("'{}' cannot be found", path.string()));
  return canonical;
}

bool is_below(const fs::path& path, const fs::path& root) {
  const fs::path relative = path.lexically_relative(root);
  return !relative.empty() && *relative.begin() != "..";
}

// What may be read: the work tree that all of it is in, as the hub would see it; without one, everything.
fs::path root_of(const fs::path& directory, const std::vector<fs::path>& files) {
  for (fs::path root = directory;; root = root.parent_path()) {
    if (root == root.root_path()) return root;
    if (!fs::exists(root / ".git")) continue;
    return std::ranges::all_of(files, [&](const fs::path& file) { return is_below(file, root); })
               ? root
               : root.root_path();
  }
}

std::string below(const fs::path& path, const fs::path& root) {
  const std::string relative = path.lexically_relative(root).string();
  return relative == "." ? "" : relative;
}

// Lower case, and nothing but what a project's name may have.
std::string normalised(const std::string& name) {
  std::string result;
  for (char c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool sign = c == '_' || c == '-';
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (sign && !result.empty())) result += c;
  }
  return result;
}

// Where everything is, and what variables there are.
class Request {
 public:
  Request(const ConfigCommand& command, Variables process, Diagnostics& diagnostics)
      : command_(command), process_(std::move(process)), diagnostics_(diagnostics) {
    for (const fs::path& file : command.files) files_.push_back(found(file));
    printed_directory_ = command.project_directory.empty()
                             ? fs::absolute(command.files.front()).lexically_normal().parent_path()
                             : fs::absolute(command.project_directory).lexically_normal();
    if (!printed_directory_.has_filename()) printed_directory_ = printed_directory_.parent_path();
    directory_ = found(printed_directory_);
    root_ = root_of(directory_, files_);
    read_variables();
  }

  std::optional<nlohmann::json> model() {
    const DirectorySnapshot snapshot(root_);
    compose::PathsRead paths;
    std::vector<std::string> files;
    for (const fs::path& file : files_) files.push_back(below(file, root_));
    auto source = compose::load(snapshot, "", files, paths, diagnostics_);
    if (!source) return std::nullopt;
    source->directory = below(directory_, root_);
    source->stack = project_name(*source);
    variables_[kProjectName] = source->stack;
    compose::Options options{.profiles = command_.profiles, .unset_variables = UnsetVariables::kWarn};
    options.interpolation = command_.interpolation;
    return compose::config(*source, Environment(variables_), options, snapshot, printed_directory_.string(),
                           command_.consistency, command_.format, paths, diagnostics_);
  }

  // From the working directory where they are below it, else absolute.
  void name_files_as_the_user_does() {
    const fs::path here = fs::current_path();
    for (Diagnostic& one : diagnostics_) {
      if (one.location.file.empty()) continue;
      const fs::path file = root_ / one.location.file;
      one.location.file = (is_below(file, here) ? file.lexically_relative(here) : file).string();
    }
  }

 private:
  void read_variables() {
    std::vector<fs::path> files = command_.env_files;
    if (files.empty() && fs::exists(directory_ / ".env")) files.push_back(directory_ / ".env");
    for (const fs::path& file : files) {
      const Lookup lookup = [&](std::string_view name) { return look_up(name); };
      const std::string text = read_file(found(file));
      const auto read = parse_env_file(text, below(found(file), root_), lookup, diagnostics_);
      if (!read) continue;
      for (const auto& [name, value] : *read) variables_[name] = value;
    }
    for (const auto& [name, value] : process_) variables_[name] = value;
  }

  std::optional<std::string> look_up(std::string_view name) const {
    for (const Variables* variables : {&process_, &variables_}) {
      if (const auto at = variables->find(name); at != variables->end()) return at->second;
    }
    return std::nullopt;
  }

  // The option, else the variable, else the last file that has a name, else the directory.
  std::string project_name(const compose::Source& source) const {
    if (!command_.project_name.empty()) return checked(command_.project_name);
    if (const auto name = look_up(kProjectName); name && !name->empty()) return checked(*name);
    for (auto document = source.documents.rbegin(); document != source.documents.rend(); ++document) {
      const yaml::Node* name = document->find("name");
      if (name == nullptr || !name->is_scalar()) continue;
      InterpolationError error;
      const Lookup lookup = [&](std::string_view variable) { return look_up(variable); };
      const std::string text = normalised(interpolate(name->scalar, lookup, error).value_or(name->scalar));
      if (!text.empty()) return text;
    }
    const std::string name = normalised(printed_directory_.filename().string());
    if (name.empty()) {
      throw Error(ErrorCode::kInvalid,
                  fmt::format("directory '{}' gives no project name (use --project-name)",
                              printed_directory_.string()));
    }
    return name;
  }

  static std::string checked(const std::string& name) {
    if (normalised(name) == name) return name;
    throw Error(ErrorCode::kInvalid,
                fmt::format("'{}' is no project name (a-z, 0-9, '-' and '_', as in 'web')", name));
  }

  const ConfigCommand& command_;
  const Variables process_;
  Diagnostics& diagnostics_;
  std::vector<fs::path> files_;
  fs::path printed_directory_, directory_, root_;
  Variables variables_;
};

}  // namespace

ExitCode config(const ConfigCommand& command, Variables process, const Console& console) {
  Diagnostics diagnostics;
  Request request(command, std::move(process), diagnostics);
  const auto model = request.model();
  request.name_files_as_the_user_does();
  if (model && command.format == ModelFormat::kJson) console.out << model->dump(2) << '\n';
  if (model && command.format == ModelFormat::kYaml) console.out << yaml::print(*model);
  console.err << diagnostics_view(diagnostics_json(diagnostics), console.err_screen());
  return model && !has_errors(diagnostics) ? ExitCode::kOk : ExitCode::kBad;
}

}  // namespace hivemind::hub::cli

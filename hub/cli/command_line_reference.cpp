#include "hub/cli/command_line_reference.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "hub/cli/exit_code.h"

namespace hivemind::hub::cli {
namespace {

std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

std::string option_row(const CLI::Option& option) {
  const bool value = option.get_items_expected_max() > 0;
  std::string name = option.get_positional() ? option.get_name(true) : option.get_name(false, true);
  if (value && !option.get_positional()) name += " " + option.get_type_name();
  std::string about = option.get_description();
  if (!option.get_default_str().empty()) about += fmt::format(" (default `{}`)", option.get_default_str());
  if (!option.get_envname().empty())
    about += fmt::format("; also from the variable `{}`", option.get_envname());
  if (option.get_required()) about += "; required";
  return fmt::format("| `{}` | {} |\n", cell(name), cell(about));
}

std::string options_table(const CLI::App& app) {
  std::string rows;
  for (const CLI::Option* option : app.get_options()) {
    if (option == app.get_help_ptr() && app.get_parent() != nullptr)
      continue;  // said once, with the global flags
    rows += option_row(*option);
  }
  return rows.empty() ? "" : "\n| argument | meaning |\n|---|---|\n" + rows;
}

std::string usage_of(const CLI::App& app, const std::string& prefix) {
  std::string usage = prefix + app.get_name();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) usage += " " + option->get_name(true);
  }
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional() || option == app.get_help_ptr()) continue;
    const std::string value = option->get_items_expected_max() > 0 ? " " + option->get_type_name() : "";
    const std::string flag = option->get_name(false, false) + value;
    usage += option->get_required() ? " " + flag : " [" + flag + "]";
  }
  return usage;
}

void append_commands(std::string& text, const CLI::App& app, const std::string& prefix) {
  for (const CLI::App* command :
       app.get_subcommands([](const CLI::App* each) { return !each->get_group().empty(); })) {
    if (!command->get_subcommands([](const CLI::App*) { return true; }).empty()) {
      append_commands(text, *command, prefix + command->get_name() + " ");
      continue;
    }
    text += fmt::format("\n### `{}{}`\n\n{}.\n\n```\n{}\n```\n", prefix, command->get_name(),
                        command->get_description(), usage_of(*command, prefix));
    text += options_table(*command);
  }
}

}  // namespace

std::string reference_of(const CLI::App& app) {
  std::string text = "## Global flags\n" + options_table(app) + "\n## Commands\n";
  append_commands(text, app, "hivemind ");
  text += "\n## Exit codes\n\n| code | meaning |\n|---|---|\n";
  for (const ExitCode code : kExitCodes)
    text += fmt::format("| {} | {} |\n", static_cast<int>(code), describe(code));
  return text;
}

}  // namespace hivemind::hub::cli

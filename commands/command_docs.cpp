#include "commands/command_docs.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "config/server_config.h"

namespace howdah {
namespace {

struct Flag {
  std::string name;  // without --
  std::string help;
  bool takes_value = true;
  bool is_path = false;
  std::vector<std::string> choices;
};

struct Command {
  std::vector<std::string> words;  // "config", "print"; empty for howdah itself
  std::string help;
  bool has_settings = false;
  std::vector<Flag> flags;  // without settings
  std::vector<std::string> below, below_help;
  std::vector<std::string> arguments;  // what its one positional argument may be

  std::string path() const { return fmt::format("{}", fmt::join(words, " ")); }
};

Command describe(const CLI::App& app, std::vector<std::string> words) {
  Command command{std::move(words), app.get_description(), false, {}, {}, {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty()) {
      if (option->get_name() == "shell") command.arguments = kShells;
      continue;
    }
    const std::string& name = option->get_lnames().front();
    if (name == "help") continue;
    if (option->get_group() == kSettingsGroup) {
      command.has_settings = true;
    } else {
      const bool is_path = name.ends_with("-file") || name == "credentials";
      command.flags.push_back({name, option->get_description(), option->get_items_expected_max() > 0, is_path, {}});
    }
  }
  for (const CLI::App* below : app.get_subcommands(nullptr)) {
    command.below.push_back(below->get_name());
    command.below_help.push_back(below->get_description());
  }
  return command;
}

void collect(const CLI::App& app, const std::vector<std::string>& words, std::vector<Command>& all) {
  all.push_back(describe(app, words));
  for (const CLI::App* below : app.get_subcommands(nullptr)) {
    auto path = words;
    path.push_back(below->get_name());
    collect(*below, path, all);
  }
}

std::vector<Command> commandsOf(const CLI::App& app) {
  std::vector<Command> all;
  collect(app, {}, all);
  return all;
}

std::vector<Flag> settingFlags() {
  std::vector<Flag> flags;
  for (const SettingText& setting : settingTexts())
    flags.push_back({setting.name, setting.help, true, setting.values == "PATH", setting.choices});
  return flags;
}

std::vector<Flag> flagsOf(const Command& command) {
  std::vector<Flag> flags = command.flags;
  if (command.has_settings) std::ranges::copy(settingFlags(), std::back_inserter(flags));
  return flags;
}

// ---- the manual page

std::string roff(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\')
      escaped += "\\e";
    else if (c == '-')
      escaped += "\\-";
    else
      escaped += c;
  }
  return escaped.starts_with('.') || escaped.starts_with('\'') ? "\\&" + escaped : escaped;
}

std::string roffItem(std::string_view bold, std::string_view italic, std::string_view text) {
  return fmt::format(".TP\n\\fB{}\\fR{}\n{}\n", roff(bold),
                     italic.empty() ? "" : fmt::format(" \\fI{}\\fR", roff(italic)), roff(text));
}

// ---- shells

std::string shellQuoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

// What may follow a flag, by flag: a word list, or "FILE".
std::map<std::string, std::string> valuesOfFlags(const std::vector<Command>& commands) {
  std::map<std::string, std::string> values;
  for (const Command& command : commands)
    for (const Flag& flag : flagsOf(command))
      if (flag.takes_value)
        values.try_emplace("--" + flag.name, flag.is_path ? "FILE" : fmt::format("{}", fmt::join(flag.choices, " ")));
  return values;
}

std::string nextWords(const Command& command) {
  std::vector<std::string> words = command.below;
  std::ranges::copy(command.arguments, std::back_inserter(words));
  for (const Flag& flag : flagsOf(command)) words.push_back("--" + flag.name);
  words.emplace_back("--help");
  return fmt::format("{}", fmt::join(words, " "));
}

// bash and zsh: which command is being written is found by walking the words before the cursor.
std::string walkingCompletion(const std::vector<Command>& commands, bool is_zsh) {
  std::string text = is_zsh ? "#compdef howdah\n" : "";
  text += "# Made by `howdah completion`.\n_howdah() {\n";
  text += is_zsh ? "  local current=$words[CURRENT] before=$words[CURRENT-1] command= word\n"
                   "  for word in ${words[2,CURRENT-1]}; do\n"
                 : "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= word\n"
                   "  COMPREPLY=()\n"
                   "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n";
  text += "    case \"$command $word\" in\n      ";
  std::vector<std::string> paths;
  for (const Command& command : commands)
    if (!command.words.empty())
      paths.push_back(shellQuoted(command.words.size() == 1 ? " " + command.path() : command.path()));
  text += fmt::format("{}) command=\"${{command:+$command }}$word\" ;;\n    esac\n  done\n", fmt::join(paths, " | "));
  const auto offer = [is_zsh](std::string_view words) {
    return is_zsh ? fmt::format("compadd -- {}", words)
                  : fmt::format("mapfile -t COMPREPLY < <(compgen -W {} -- \"$current\")", shellQuoted(words));
  };
  text += "  case $before in\n";
  for (const auto& [flag, values] : valuesOfFlags(commands)) {
    const std::string action = values == "FILE"
                                   ? (is_zsh ? "_files" : "mapfile -t COMPREPLY < <(compgen -f -- \"$current\")")
                               : values.empty() ? ":"
                                                : offer(values);
    text += fmt::format("    {}) {}; return ;;\n", flag, action);
  }
  text += "  esac\n  case $command in\n";
  for (const Command& command : commands)
    text += fmt::format("    {}) {} ;;\n", shellQuoted(command.path()), offer(nextWords(command)));
  text += "  esac\n}\n";
  return text + (is_zsh ? "if [[ $funcstack[1] == _howdah ]]; then _howdah; else compdef _howdah howdah; fi\n"
                        : "complete -F _howdah howdah\n");
}

std::string fishCompletion(const std::vector<Command>& commands) {
  std::string text = "# Made by `howdah completion`.\ncomplete -c howdah -f\n";
  for (const Command& command : commands) {
    std::string when = command.words.empty() ? "__fish_use_subcommand"
                                             : fmt::format("__fish_seen_subcommand_from {}", command.words.front());
    if (command.words.size() > 1) when += fmt::format("; and __fish_seen_subcommand_from {}", command.words.back());
    if (command.words.size() == 1 && !command.below.empty())
      when += fmt::format("; and not __fish_seen_subcommand_from {}", fmt::join(command.below, " "));
    const std::string start = fmt::format("complete -c howdah -n {}", shellQuoted(when));
    for (std::size_t i = 0; i < command.below.size(); ++i)
      text += fmt::format("{} -a {} -d {}\n", start, command.below[i], shellQuoted(command.below_help[i]));
    if (!command.arguments.empty())
      text += fmt::format("{} -a {}\n", start, shellQuoted(fmt::format("{}", fmt::join(command.arguments, " "))));
    for (const Flag& flag : flagsOf(command)) {
      const std::string values = !flag.takes_value ? ""
                                 : flag.is_path    ? " -r -F"
                                                   : fmt::format(" -x -a '{}'", fmt::join(flag.choices, " "));
      text += fmt::format("{} -l {}{} -d {}\n", start, flag.name, values, shellQuoted(flag.help));
    }
  }
  return text;
}

}  // namespace

const std::vector<std::string> kShells{"bash", "zsh", "fish"};

std::string manPage(const CLI::App& app, std::string_view version) {
  const auto commands = commandsOf(app);
  std::string page = fmt::format(".TH HOWDAH 1 \"\" \"Howdah {}\" \"Howdah\"\n", roff(version));
  page += ".SH NAME\nhowdah \\- Amazon SQS on PostgreSQL\n";
  page += ".SH SYNOPSIS\n.B howdah\n.I command\n.RI [ flags ]\n";
  page +=
      ".SH DESCRIPTION\n.B howdah serve\nspeaks the protocols of Amazon SQS and keeps queues and messages in "
      "PostgreSQL: a "
      "private one in its data directory, or yours.\nThe other commands look after it.\n";
  page += ".SH COMMANDS\n";
  for (const Command& command : commands) {
    if (command.words.empty() || !command.below.empty()) continue;
    page += roffItem(command.path() + (command.arguments.empty() ? "" : " SHELL"), "", command.help);
    if (command.flags.empty()) continue;
    page += ".RS\n";
    for (const Flag& flag : command.flags)
      page += roffItem("--" + flag.name, flag.takes_value ? "VALUE" : "", flag.help);
    page += ".RE\n";
  }
  page += ".SH SETTINGS\nEach is a flag of ";
  std::vector<std::string> having;
  for (const Command& command : commands)
    if (command.has_settings) having.push_back(fmt::format("\\fB{}\\fR", command.path()));
  page += fmt::format("{};\n", fmt::join(having, ", "));
  page +=
      "an environment variable, HOWDAH_ and its name in capitals with _ for \\-; and a key of the file that "
      "\\fB\\-\\-config\\fR names.\nA flag goes over the environment, the environment over the file.\n";
  for (const SettingText& setting : settingTexts())
    page += roffItem("--" + setting.name, setting.values,
                     setting.help + (setting.default_text.empty() ? "" : fmt::format(" [{}]", setting.default_text)));
  page += ".SH FILES\n" +
          roffItem("/etc/howdah/howdah.yaml", "", "Settings of the service that the Debian package brings") +
          roffItem("/etc/howdah/environment", "", "Its environment, for what not everybody may read");
  page +=
      ".SH SIGNALS\n" +
      roffItem("SIGTERM", "",
               "Not ready at once, serves on for drain-delay, answers parked polls, finishes writes, exits with 0") +
      roffItem("SIGINT", "", "The same without the delay; a second signal ends it at once") +
      roffItem("SIGHUP", "", "Reads the access keys of --credentials again");
  page += ".SH EXIT STATUS\n0 for success, 1 for a failure that is told in a line, 2 for a wrong command line.\n";
  return page;
}

std::string shellCompletion(const CLI::App& app, std::string_view shell) {
  const auto commands = commandsOf(app);
  return shell == "fish" ? fishCompletion(commands) : walkingCompletion(commands, shell == "zsh");
}

}  // namespace howdah

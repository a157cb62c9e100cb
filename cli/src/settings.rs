//! Settings of long-running commands: flag over environment over file over default, for every flag alike.
//!
//! Each flag `--some-name` of such a command is also the variable `ADMIT_SOME_NAME`, the file that `ADMIT_SOME_NAME_FILE` names (for
//! secrets), and the key `some-name` of the file that `--config` names. What lies beneath the environment is given to the
//! parser as defaults, so that a value is checked alike wherever it is from.

mod file;
mod show;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};

use crate::failure::Failure;

pub use show::print_settings;

/// The option that names the file: only commands that have it have settings.
const CONFIG: &str = "config";
/// What a file cannot say: it is about the file itself, or is asked for at one start.
const FLAGS_ALONE: [&str; 4] = [CONFIG, "print_config", "help", "dry_run"];
/// Whose file it is: a file of `admit serve` is read by other commands for what they have of it.
const OWNER: &str = "serve";

/// A setting, with where its value is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// As files name it.
    pub name: String,
    /// As it was written: none where it is not set.
    pub values: Vec<String>,
    /// Whether it may have several values.
    pub is_list: bool,
    /// Where it is from.
    pub from: String,
}

/// A value that lies beneath the environment.
struct Beneath {
    id: String,
    values: Vec<String>,
    from: String,
}

/// Parses the command line. Wrong usage is printed and ends the program, as the parser has it.
pub fn parse<C: CommandFactory + FromArgMatches>() -> Result<(C, Vec<Setting>), Failure> {
    let command = with_variables(C::command());
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let matches = command.clone().try_get_matches_from(&arguments).unwrap_or_else(|error| error.exit());
    let path = path_of(&matches);
    let Some(options) = innermost(&command, &path).filter(|options| has(options, CONFIG)) else {
        return Ok((read(&matches), Vec::new()));
    };
    let own = inner_matches(&matches, &path);
    let file = own.get_one::<PathBuf>(CONFIG).cloned();
    let mut beneath = match &file {
        Some(file) => from_file(file, &command, options)?,
        None => Vec::new(),
    };
    for secret in from_secret_files(options)? {
        beneath.retain(|one| one.id != secret.id);
        beneath.push(secret);
    }
    if beneath.is_empty() {
        let settings = settings(options, own, &beneath);
        return Ok((read(&matches), settings));
    }
    let options = options.clone();
    let command = adjusted(command, &path, &beneath);
    let matches = command.try_get_matches_from(&arguments).map_err(|error| {
        // The first parse was well: it is something of these.
        let text = error.to_string();
        let text = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let from = file.map_or_else(|| "a file of the environment".to_owned(), |file| format!("`{}`", file.display()));
        Failure::new(format!("{from}: {text}")).help("the flag of the same name says in `--help` what it takes")
    })?;
    let own = inner_matches(&matches, &path);
    let settings = settings(&options, own, &beneath);
    Ok((read(&matches), settings))
}

fn read<C: FromArgMatches>(matches: &ArgMatches) -> C {
    C::from_arg_matches(matches).unwrap_or_else(|error| error.exit())
}

/// Every flag of a command with settings has its variable.
fn with_variables(command: Command) -> Command {
    let command = match has(&command, CONFIG) {
        true => command.mut_args(|arg| match (arg.get_long(), arg.get_env()) {
            (Some(long), None) if !FLAGS_ALONE.contains(&arg.get_id().as_str()) => {
                let name = format!("ADMIT_{}", long.replace('-', "_").to_ascii_uppercase());
                let arg = arg.env(name).hide_env(true);
                if is_list(&arg) { arg.value_delimiter(',') } else { arg }
            }
            (Some(_) | None, _) => arg,
        }),
        false => command,
    };
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, with_variables))
}

/// The names of the subcommands that were given.
fn path_of(matches: &ArgMatches) -> Vec<String> {
    let mut path = Vec::new();
    let mut inner = matches.subcommand();
    while let Some((name, matches)) = inner {
        path.push(name.to_owned());
        inner = matches.subcommand();
    }
    path
}

fn innermost<'a>(command: &'a Command, path: &[String]) -> Option<&'a Command> {
    path.iter().try_fold(command, |command, name| command.find_subcommand(name))
}

fn inner_matches<'a>(matches: &'a ArgMatches, path: &[String]) -> &'a ArgMatches {
    path.iter().fold(matches, |matches, name| matches.subcommand_matches(name).unwrap_or(matches))
}

fn has(command: &Command, id: &str) -> bool {
    command.get_arguments().any(|arg| arg.get_id() == id)
}

fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// The flags that a file may set.
fn settable(command: &Command) -> impl Iterator<Item = &Arg> {
    let may =
        |arg: &&Arg| arg.get_long().is_some() && !arg.is_global_set() && !FLAGS_ALONE.contains(&arg.get_id().as_str());
    command.get_arguments().filter(may)
}

fn from_file(path: &Path, command: &Command, options: &Command) -> Result<Vec<Beneath>, Failure> {
    let names = |command: &Command| -> Vec<String> {
        settable(command).filter_map(Arg::get_long).map(ToOwned::to_owned).collect()
    };
    let mut known = names(options);
    known.extend(command.find_subcommand(OWNER).map(names).unwrap_or_default());
    let mut beneath = Vec::new();
    for (name, values) in file::read(path, &known)? {
        // What only the owner has is none of this command's business.
        let Some(arg) = settable(options).find(|arg| arg.get_long() == Some(name.as_str())) else { continue };
        if values.len() != 1 && !is_list(arg) {
            return Err(Failure::new(format!("`{}`: `{name}` has one value, not a list", path.display())));
        }
        beneath.push(Beneath { id: arg.get_id().to_string(), values, from: format!("file {}", path.display()) });
    }
    Ok(beneath)
}

/// `ADMIT_<NAME>_FILE`: the value stands in the file that it names, as systemd and Docker hand out secrets.
fn from_secret_files(options: &Command) -> Result<Vec<Beneath>, Failure> {
    let mut beneath = Vec::new();
    for arg in settable(options) {
        let Some(variable) = arg.get_env().and_then(|name| name.to_str()) else { continue };
        let named = format!("{variable}_FILE");
        let Some(path) = std::env::var_os(&named) else { continue };
        if std::env::var_os(variable).is_some() {
            return Err(Failure::new(format!("both `{variable}` and `{named}` are set")).help("leave one of them out"));
        }
        let path = PathBuf::from(path);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Failure::io("read", path.display(), error).help(format!("`{named}` names it")))?;
        let text = text.trim_end_matches(['\n', '\r']);
        beneath.push(Beneath { id: arg.get_id().to_string(), values: vec![text.to_owned()], from: named });
    }
    Ok(beneath)
}

fn adjusted(command: Command, path: &[String], beneath: &[Beneath]) -> Command {
    match path {
        [] => beneath.iter().fold(command, |command, one| {
            let values = one.values.clone();
            command.mut_arg(one.id.clone(), |arg| arg.default_values(values))
        }),
        [name, rest @ ..] => command.mut_subcommand(name, |inner| adjusted(inner, rest, beneath)),
    }
}

fn settings(options: &Command, matches: &ArgMatches, beneath: &[Beneath]) -> Vec<Setting> {
    let setting = |arg: &Arg| {
        let id = arg.get_id().as_str();
        let raw = matches.get_raw(id).into_iter().flatten();
        let values: Vec<String> = raw.map(|value| value.to_string_lossy().into_owned()).collect();
        let lies = beneath.iter().find(|one| one.id == id);
        let from = match matches.value_source(id) {
            Some(ValueSource::CommandLine) => "flag".to_owned(),
            Some(ValueSource::EnvVariable) => {
                format!("environment {}", arg.get_env().unwrap_or_default().to_string_lossy())
            }
            Some(_) | None => lies.map_or_else(|| "default".to_owned(), |one| one.from.clone()),
        };
        let name = arg.get_long().unwrap_or(id).to_owned();
        Setting { name, values, is_list: is_list(arg), from }
    };
    settable(options).map(setting).collect()
}

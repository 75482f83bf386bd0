//! Completion in shells: the scripts that `completions` prints, and what the program answers when they
//! ask it. Names are taken from the manifests and the schema at hand. Nothing is signed in to.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::ValueEnum as _;
use clap_complete::Shell;
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{Bash, CompleteEnv, Elvish, EnvCompleter, Fish, Powershell, Shells, Zsh};

use super::arguments::Arguments;
use super::options::Format;
use super::values::{acceptable_guards, permitted_commands};
use super::{config, help};
use crate::auth::Method;
use crate::files;
use crate::manifest::schema_names::{self, TenantNames};
use crate::manifest::{self, Manifest, NameOrId, Selector, TargetReference, has_manifest_ending};
use crate::model::PolicyKind;
use crate::net::CLOUDS;
use crate::plan::writes::WriteWith;
use crate::render::clean::clean;
use crate::run::init::{MANIFESTS, SCHEMA};

/// With the name of a shell in it, the program answers instead of running a command.
const VARIABLE: &str = "_ASSIGNCTL_COMPLETE";

const NAME: &str = "assignctl";

/// The most that is read of a schema.
const LARGEST_SCHEMA: u64 = 64 * 1024 * 1024;

const SHELLS: Shells<'static> = Shells(&[&OWN_BASH, &Elvish, &Fish, &Powershell, &OWN_ZSH]);

/// Returns the script that makes a shell ask the program.
pub(super) fn script(shell: Shell) -> String {
    let name = match shell {
        Shell::Bash => "bash",
        Shell::Elvish => "elvish",
        Shell::Fish => "fish",
        Shell::PowerShell => "powershell",
        _ => "zsh",
    };
    let mut script = Vec::new();
    if let Some(shell) = SHELLS.completer(name) {
        // Memory takes everything.
        let _ = shell.write_registration(VARIABLE, NAME, NAME, NAME, &mut script);
    }
    String::from_utf8_lossy(&script).into_owned()
}

/// Answers a shell; `None` if none asks.
pub(super) fn answer() -> Option<Result<(), clap::Error>> {
    let shell = std::env::var_os(VARIABLE).filter(|shell| !shell.is_empty())?;
    let typed = std::env::args_os().skip_while(|word| word != "--");
    let asked = CompletionRequest {
        quotes: shell == "powershell",
        typed: typed.skip(1).collect(),
    };
    let here = std::env::current_dir().ok();
    let answered = CompleteEnv::with_factory(|| with_names(Arguments::tree(), &asked))
        .var(VARIABLE)
        .bin(NAME)
        .completer(NAME)
        .shells(SHELLS)
        .try_complete(std::env::args_os(), here.as_deref());
    Some(answered.map(|_| ()))
}

/// Bash quotes nothing that it inserts, and takes `--option=value` for three words.
const OWN_BASH: OwnScript = OwnScript {
    shell: &Bash,
    is_whole: true,
    script: include_str!("completion.bash"),
};

/// Zsh takes a file on its path for the function itself, which the first time only defines it.
const OWN_ZSH: OwnScript = OwnScript {
    shell: &Zsh,
    is_whole: false,
    script: "if [[ ${funcstack[1]} == _assignctl ]]; then _clap_dynamic_completer_assignctl; fi\n",
};

/// A shell whose script is our own, or has an addition of our own.
struct OwnScript {
    shell: &'static (dyn EnvCompleter + Sync),
    /// Whether the script replaces the shell's; otherwise it follows it.
    is_whole: bool,
    script: &'static str,
}

impl EnvCompleter for OwnScript {
    fn name(&self) -> &'static str {
        self.shell.name()
    }

    fn is(&self, name: &str) -> bool {
        self.shell.is(name)
    }

    fn write_registration(
        &self,
        var: &str,
        name: &str,
        bin: &str,
        completer: &str,
        buf: &mut dyn std::io::Write,
    ) -> Result<(), std::io::Error> {
        if !self.is_whole {
            self.shell
                .write_registration(var, name, bin, completer, buf)?;
        }
        buf.write_all(self.script.as_bytes())
    }

    fn write_complete(
        &self,
        cmd: &mut clap::Command,
        args: Vec<OsString>,
        current_dir: Option<&Path>,
        buf: &mut dyn std::io::Write,
    ) -> Result<(), std::io::Error> {
        self.shell.write_complete(cmd, args, current_dir, buf)
    }
}

/// What a shell asks.
#[derive(Clone, Debug)]
struct CompletionRequest {
    /// Whether what it inserts has to be quoted already.
    quotes: bool,
    /// The words of the command line.
    typed: Vec<OsString>,
}

/// Adds to options what their values can be, where that is not a closed list of the parser's.
fn with_names(tree: clap::Command, asked: &CompletionRequest) -> clap::Command {
    let add = |option: clap::Arg| match candidates(&option) {
        None if option.get_long() == Some("format") => {
            let is_list = asked.typed.iter().skip(1).any(|word| word == "list");
            option.add(ArgValueCandidates::new(move || formats(is_list)))
        }
        None => option,
        Some(Candidates::Words(words)) => {
            let words = move || words().into_iter().map(CompletionCandidate::new).collect();
            option.add(ArgValueCandidates::new(words))
        }
        Some(Candidates::Names(names)) => {
            let asked = asked.clone();
            let complete = move |current: &OsStr| matching(&names(known(&asked)), current, &asked);
            option.add(ArgValueCompleter::new(complete))
        }
    };
    tree.mut_args(add).mut_subcommands(|command| {
        command
            .mut_args(add)
            .mut_subcommands(|command| command.mut_args(add))
    })
}

/// Returns the formats that a command takes: a table and a page are for `list`, annotations are not.
fn formats(of_list: bool) -> Vec<CompletionCandidate> {
    let of_command = |format: &&Format| match format {
        Format::Text | Format::Json | Format::Markdown => true,
        Format::Github => !of_list,
        Format::Csv | Format::Html => of_list,
    };
    let values = Format::value_variants().iter().filter(of_command);
    let values = values.filter_map(Format::to_possible_value);
    values
        .map(|value| CompletionCandidate::new(value.get_name()).help(value.get_help().cloned()))
        .collect()
}

/// What may stand for an option.
enum Candidates {
    /// Words of the program's own.
    Words(fn() -> Vec<String>),
    /// Names that it has to look for.
    Names(fn(Known) -> BTreeSet<String>),
}

/// Returns what may stand for an option, by what its value is called in the help.
fn candidates(option: &clap::Arg) -> Option<Candidates> {
    use Candidates::{Names, Words};
    fn owned<'w>(words: impl Iterator<Item = &'w str>) -> Vec<String> {
        words.map(str::to_owned).collect()
    }
    let value = option.get_value_names()?.first()?.as_str();
    let name = option.get_long().unwrap_or(option.get_id().as_str());
    Some(match (value, name) {
        ("KIND", _) => Words(|| owned(PolicyKind::all().map(PolicyKind::name))),
        ("GUARD", _) => Words(|| owned(acceptable_guards())),
        ("CLOUD", _) => Words(|| owned(CLOUDS.iter().map(|cloud| cloud.name))),
        ("COMMAND", _) => Words(|| owned(permitted_commands())),
        ("TOPIC", _) => Words(help::topics),
        (_, "auth") => Words(|| owned(Method::ALL.iter().map(|method| method.name()))),
        (_, "write-with") => Words(|| owned(WriteWith::ALL.iter().map(|way| way.name()))),
        ("GLOB", _) => Names(|known| known.policies.into_iter().chain(known.globs).collect()),
        ("POLICY", _) => Names(|known| known.policies),
        ("NAME", "group") => Names(|known| known.groups),
        ("NAME", "filter") => Names(|known| known.filters),
        ("NAME", "name") => Names(|known| known.tenants),
        (_, "tenant") => Names(|known| known.tenants.into_iter().chain(known.labels).collect()),
        _ => return None,
    })
}

/// Returns the names that go on as a word begins, in the form in which the shell takes them.
fn matching(
    names: &BTreeSet<String>,
    current: &OsStr,
    asked: &CompletionRequest,
) -> Vec<CompletionCandidate> {
    let current = unquoted(&current.to_string_lossy());
    let names = names.iter().filter(|name| name.starts_with(&current));
    // What a terminal must not get does not come from here either.
    let names = names.filter(|name| clean(name) == **name);
    names
        .map(|name| match asked.quotes {
            true => CompletionCandidate::new(quoted_for_powershell(name)),
            false => CompletionCandidate::new(name),
        })
        .collect()
}

/// Most shells send a word as it was typed.
fn unquoted(word: &str) -> String {
    match word.strip_prefix(['\'', '"']) {
        Some(rest) => rest.trim_end_matches(['\'', '"']).to_owned(),
        None => word.replace('\\', ""),
    }
}

fn quoted_for_powershell(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    match name.chars().all(is_plain) {
        true => name.to_owned(),
        false => format!("'{}'", name.replace(['\'', '‘', '’', '‚', '‛'], "''")),
    }
}

/// Names that are known without asking anyone.
#[derive(Debug, Default)]
struct Known {
    policies: BTreeSet<String>,
    globs: BTreeSet<String>,
    groups: BTreeSet<String>,
    filters: BTreeSet<String>,
    tenants: BTreeSet<String>,
    /// As `--tenant` takes them.
    labels: BTreeSet<String>,
}

/// Reads the manifests on the command line, else those of the configuration, else those at hand; and the
/// tenant's names from the schema that `init` wrote.
fn known(asked: &CompletionRequest) -> Known {
    let config = config::load(None).unwrap_or_default();
    let mut known = Known::default();
    let mut paths = typed_manifests(&asked.typed);
    if paths.is_empty() {
        paths.clone_from(&config.manifests);
    }
    if paths.is_empty() {
        paths = manifests_at_hand();
    }
    if !paths.is_empty() {
        let loaded = manifest::load(&paths);
        let first = loaded.tenants.first();
        match first.and_then(|tenant| loaded.of_tenant(&tenant.name)) {
            Some(of_tenant) => known.add_manifest(&of_tenant.manifest),
            None => known.add_manifest(&loaded.manifest),
        }
        for tenant in &loaded.tenants {
            known.tenants.insert(tenant.name.clone());
            let labels = tenant.labels.iter().map(|label| format!("label:{label}"));
            known.labels.extend(labels);
        }
    }
    let folder = config.path.as_deref().and_then(Path::parent);
    known.add_schema(&folder.unwrap_or_else(|| Path::new("")).join(SCHEMA));
    known
}

fn typed_manifests(typed: &[OsString]) -> Vec<PathBuf> {
    let paths = typed.iter().skip(1).map(PathBuf::from);
    let paths = paths.filter(|path| path.is_dir() || (has_manifest_ending(path) && path.is_file()));
    paths.collect()
}

fn manifests_at_hand() -> Vec<PathBuf> {
    let folder = PathBuf::from(MANIFESTS);
    if folder.is_dir() {
        return vec![folder];
    }
    let here = std::fs::read_dir(".").into_iter().flatten().flatten();
    let files = here.map(|entry| PathBuf::from(entry.file_name()));
    let files = files.filter(|path| has_manifest_ending(path) && path.is_file());
    files.collect()
}

impl Known {
    fn add_manifest(&mut self, manifest: &Manifest) {
        for entry in &manifest.entries {
            match &entry.selector {
                Selector::Name(name) => {
                    self.policies.insert(name.value.clone());
                }
                Selector::Id(_) => {}
                Selector::Match { pattern, except } => {
                    let globs = std::iter::once(pattern).chain(except);
                    self.globs
                        .extend(globs.map(|glob| glob.value.as_str().to_owned()));
                }
            }
            for target in &entry.targets {
                if let TargetReference::Group(NameOrId::Name(name))
                | TargetReference::ExclusionGroup(NameOrId::Name(name)) = &target.target
                {
                    self.groups.insert(name.clone());
                }
                if let Some(NameOrId::Name(name)) = target.filter.as_ref().map(|of| &of.filter) {
                    self.filters.insert(name.clone());
                }
            }
        }
    }

    fn add_schema(&mut self, path: &Path) {
        let Some(schema) = files::read_regular(path, LARGEST_SCHEMA)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        else {
            return;
        };
        let TenantNames {
            groups,
            filters,
            policies,
        } = schema_names::names(&schema);
        self.groups.extend(groups);
        self.filters.extend(filters);
        self.policies.extend(policies.into_values().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Options whose values are words of the program's own, or names of a tenant's.
    #[test]
    fn every_option_that_takes_one_of_some_words_completes_them() {
        let asked = CompletionRequest {
            quotes: false,
            typed: Vec::new(),
        };
        let mut tree = with_names(Arguments::tree(), &asked);
        tree.build();
        let mut commands = vec![&tree];
        let mut number = 0;
        while let Some(command) = commands.pop() {
            commands.extend(command.get_subcommands());
            for option in command.get_arguments() {
                let value = option.get_value_names().unwrap_or_default().join(" ");
                let has_words = value.contains(char::is_lowercase)
                    || [
                        "KIND", "GUARD", "GLOB", "POLICY", "CLOUD", "PLATFORM", "FORMAT", "TOPIC",
                    ]
                    .contains(&value.as_str());
                if !has_words {
                    continue;
                }
                number += 1;
                let is_closed = option.get_value_parser().possible_values().is_some();
                let is_known = option.get::<ArgValueCandidates>().is_some()
                    || option.get::<ArgValueCompleter>().is_some();
                assert!(is_closed || is_known, "{}: {option}", command.get_name());
            }
        }
        assert!(number > 30, "{number}");
    }

    #[test]
    fn words_are_quoted_for_the_shell_and_taken_as_they_are_typed() {
        for (typed, word) in [
            ("Win\\ -\\ B", "Win - B"),
            ("'Win - B", "Win - B"),
            ("\"Win - B\"", "Win - B"),
            ("Win", "Win"),
        ] {
            assert_eq!(unquoted(typed), word);
        }
        assert_eq!(quoted_for_powershell("Win-1.x"), "Win-1.x");
        assert_eq!(quoted_for_powershell("$(a) 'b’"), "'$(a) ''b'''");
    }
}

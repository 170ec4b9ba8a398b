//! Puts the layers of a configuration together.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::apply::{Application, SourceFile, example_of};
use super::document::{self, Format};
use super::environment::Environment;
use super::file;
use super::keys::{self, KEYS, Key, variable_of};
use super::origin::{Origin, Provenance};
use super::report::Report;
use super::settings::Config;
use super::values::{SocketPath, Transport, Transports};
use crate::diagnostics::{ConfigErrors, Diagnostic, Errors, Found, Place, Problem, nearest};

/// Says where a configuration comes from, and loads it.
///
/// Nothing is read but what is given here: [`Loader::from_process`] gives the process's own directory and environment.
#[derive(Clone)]
pub struct Loader {
    directory: PathBuf,
    file: Option<PathBuf>,
    env_files: Vec<PathBuf>,
    process: Vec<(OsString, OsString)>,
    flags: Vec<Flag>,
}

#[derive(Clone)]
struct Flag {
    flag: String,
    path: String,
    text: String,
}

impl fmt::Debug for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loader")
            .field("directory", &self.directory)
            .field("file", &self.file)
            .field("env_files", &self.env_files)
            .field("flags", &self.flags.iter().map(|flag| &flag.flag).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// A configuration that has been loaded, and how it came about.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// Where each came from.
    pub provenance: Provenance,
    /// What is probably not meant, but allowed.
    pub warnings: Vec<Diagnostic>,
    /// The configuration file, if there is one.
    pub file: Option<PathBuf>,
    /// The environment files, strongest first.
    pub env_files: Vec<PathBuf>,
    /// What it was loaded with.
    pub(crate) loader: Loader,
    /// Where relative paths in the settings of plugins start: the directory of the configuration file or, where there is
    /// none, the working directory.
    pub base: PathBuf,
}

impl Loaded {
    /// Every value with its origin, for `latimer config check`.
    #[must_use]
    pub fn report(&self) -> Report {
        Report::of(self)
    }
}

impl Loader {
    /// A loader that looks into `directory`, and knows no variables and no flags.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            file: None,
            env_files: Vec::new(),
            process: Vec::new(),
            flags: Vec::new(),
        }
    }

    /// A loader that looks into the working directory and knows the process's environment.
    ///
    /// # Errors
    /// If there is no working directory.
    pub fn from_process() -> std::io::Result<Self> {
        Ok(Self::new(std::env::current_dir()?).environment(std::env::vars_os()))
    }

    /// Uses this configuration file, which must exist, instead of looking for one.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Reads one more environment file, which must exist. A later one wins over an earlier one, and both over `.env`.
    #[must_use]
    pub fn env_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.env_files.push(path.into());
        self
    }

    /// Adds variables as those of the process; of a name that comes twice the later one counts.
    #[must_use]
    pub fn environment<N: Into<OsString>, V: Into<OsString>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.process.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Sets the key at `path` to `text`, in the name of the command line's `flag` (with its dashes). Lists are separated
    /// by commas. Secrets are refused. Of a key that is set twice the later one counts.
    #[must_use]
    pub fn flag(mut self, flag: impl Into<String>, path: impl Into<String>, text: impl Into<String>) -> Self {
        self.flags.push(Flag { flag: flag.into(), path: path.into(), text: text.into() });
        self
    }

    /// Reads all layers.
    ///
    /// # Errors
    /// Everything that is wrong in any layer.
    pub fn load(&self) -> Result<Loaded, ConfigErrors> {
        let mut load = Load {
            environment: Environment::of_process(&self.process),
            config: Config::default(),
            provenance: Provenance::default(),
            errors: Errors::default(),
            referenced: BTreeSet::new(),
        };
        let file = match &self.file {
            Some(file) => Some(file.clone()),
            None => file::discover(&self.directory).unwrap_or_else(|error| {
                load.errors.add(|| error);
                None
            }),
        };
        let env_files = self.environment_files(file.as_deref());
        for env_file in &env_files {
            load.env_file(&self.directory, env_file);
        }
        if let Some(file) = &file {
            load.file(&self.directory, file);
        }
        load.variables(self.flag_of("transport").and_then(|text| text.parse().ok()).as_ref());
        for flag in &self.flags {
            load.flag(flag);
        }
        load.socket();
        load.contradictions();
        let warnings = load.warnings();
        match load.errors.finish() {
            Some(errors) => Err(errors),
            None => {
                let base =
                    file.as_ref().and_then(|file| self.directory.join(file).parent().map(Path::to_owned));
                let base = base.unwrap_or_else(|| self.directory.clone());
                Ok(Loaded {
                    config: load.config,
                    provenance: load.provenance,
                    warnings,
                    file,
                    env_files,
                    loader: self.clone(),
                    base,
                })
            }
        }
    }

    /// What the command line says of the key at `path`.
    fn flag_of(&self, path: &str) -> Option<&str> {
        self.flags.iter().rev().find(|flag| flag.path == path).map(|flag| flag.text.as_str())
    }

    /// The environment files to read, strongest first.
    fn environment_files(&self, file: Option<&Path>) -> Vec<PathBuf> {
        let beside = file.and_then(Path::parent).unwrap_or(Path::new("")).join(".env");
        let mut files: Vec<PathBuf> = self.env_files.iter().rev().cloned().collect();
        if self.directory.join(&beside).is_file() && !files.contains(&beside) {
            files.push(beside);
        }
        files
    }
}

/// The state of one load.
struct Load {
    environment: Environment,
    config: Config,
    provenance: Provenance,
    errors: Errors,
    referenced: BTreeSet<String>,
}

impl Load {
    fn env_file(&mut self, directory: &Path, path: &Path) {
        let shown = path.display().to_string();
        match file::read(&directory.join(path), &shown) {
            Ok(text) => {
                if let Err(errors) = self.environment.add_file(&shown, &text) {
                    errors.into_iter().for_each(|error| self.errors.add(|| error));
                }
            }
            Err(error) => self.errors.add(|| error),
        }
    }

    fn file(&mut self, directory: &Path, path: &Path) {
        let shown = path.display().to_string();
        let Some(format) = Format::of(path) else {
            let place = Place::WholeFile { file: shown };
            return self.errors.add(|| Diagnostic::new(Some(place), Problem::UnknownFormat));
        };
        let full = directory.join(path);
        let text = match file::read(&full, &shown) {
            Ok(text) => text,
            Err(error) => return self.errors.add(|| error),
        };
        let file = SourceFile { shown: &shown, text: &text, base: full.parent().unwrap_or(directory) };
        match document::parse(format, &text) {
            Ok(root) => Application {
                file: &file,
                environment: &self.environment,
                config: &mut self.config,
                provenance: &mut self.provenance,
                errors: &mut self.errors,
                referenced: &mut self.referenced,
            }
            .root(root),
            Err(problems) => {
                for (span, problem) in problems {
                    self.errors.add(|| file.parser_diagnostic(span, problem));
                }
            }
        }
    }

    /// `LATIMER_*`, or where it is not set the variable of other servers, over what the file says. `transport` is what
    /// the command line chooses.
    fn variables(&mut self, transport: Option<&Transports>) {
        for key in KEYS {
            let Some(variable) = key.variable() else { continue };
            if key.path.contains(keys::NAME) {
                for (variable, path) in self.plugin_variables(key) {
                    self.variable(key, &variable, &path);
                }
                continue;
            }
            // The table of keys has the transport first.
            let tcp = transport.unwrap_or(&self.config.transport).is_tcp_before_http();
            let foreign = match (key.path, tcp) {
                ("host" | "port", true) | ("tcp.host" | "tcp.port", false) => &[],
                _ => key.foreign_variables,
            };
            let set = std::iter::once(variable.as_str())
                .chain(foreign.iter().copied())
                .find(|name| {
                    self.environment.is_garbled(name)
                        || self.environment.value(name).is_some_and(|v| !v.trim().is_empty())
                })
                .map(str::to_owned);
            if let Some(set) = set {
                self.variable(key, &set, key.path);
            }
        }
    }

    /// Finds the socket to listen on where nothing names one. A folder that everybody may write to is none to look in:
    /// another user could take the name first.
    fn socket(&mut self) {
        if !self.config.transport.has(Transport::Unix) || self.config.unix.path.is_some() {
            return;
        }
        let folder = self.environment.value("XDG_RUNTIME_DIR").filter(|folder| folder.starts_with('/'));
        let path = folder.and_then(|folder| {
            "latimer.sock".parse::<SocketPath>().ok().map(|path| path.at(Path::new(folder)))
        });
        match path {
            Some(path) => {
                self.config.unix.path = Some(path);
                let variables = self.environment.place("XDG_RUNTIME_DIR").into_iter().collect();
                self.provenance.set("unix.path".to_owned(), Origin { place: None, variables });
            }
            None => {
                let place = self.provenance.place("transport");
                self.errors.add(|| Diagnostic::new(place, Problem::NoSocketPath));
            }
        }
    }

    /// The variables that set `plugins.NAME.enabled`, each with the path that it sets. A plugin that the file does not
    /// mention gets the variable's name in lower case.
    fn plugin_variables(&self, key: &Key) -> Vec<(String, String)> {
        let Some((before, after)) = key.path.split_once(keys::NAME) else { return Vec::new() };
        let (prefix, suffix) = (variable_of(before), variable_of(after).replacen("LATIMER_", "", 1));
        let known: Vec<String> = self
            .config
            .plugins
            .keys()
            .cloned()
            .chain(self.config.autoload.iter().map(|name| name.as_str().to_owned()))
            .collect();
        let set = self.environment.names(&prefix).filter_map(|variable| {
            let name =
                variable.strip_prefix(&prefix)?.strip_suffix(&suffix).filter(|name| !name.is_empty())?;
            self.environment.value(variable).filter(|value| !value.is_empty())?;
            let same =
                known.iter().find(|known| variable_of(&key.path.replace(keys::NAME, known)) == variable);
            let name = same.cloned().unwrap_or_else(|| name.to_ascii_lowercase());
            Some((variable.to_owned(), key.path.replace(keys::NAME, &name)))
        });
        set.collect()
    }

    fn variable(&mut self, key: &'static Key, variable: &str, path: &str) {
        let place = self.environment.place(variable);
        let Some(value) = self.environment.value(variable).map(str::to_owned) else {
            return self.errors.add(|| Diagnostic::new(place, Problem::NotUtf8));
        };
        // Kubernetes describes a service called `latimer` to every pod by variables that look like ours.
        let mend = (variable == "LATIMER_PORT" && value.starts_with("tcp://")).then(|| {
            "Kubernetes sets this for a service called latimer: set `enableServiceLinks: false` in the pod".to_owned()
        });
        self.text(key, path, &value, place, mend);
    }

    fn flag(&mut self, flag: &Flag) {
        let place = Some(Place::Flag { flag: flag.flag.clone() });
        match keys::at(&flag.path) {
            Some((key, _)) if key.secret => {
                self.errors.add(|| Diagnostic::new(place, Problem::SecretFlag { key: flag.path.clone() }));
            }
            Some((key, _)) => self.text(key, &flag.path, &flag.text, place, None),
            None => {
                let nearest = nearest(&flag.path, KEYS.iter().map(|key| key.path)).map(str::to_owned);
                let known = keys::children("").into_iter().map(str::to_owned).collect();
                let problem = Problem::UnknownKey { key: flag.path.clone(), nearest, known };
                self.errors.add(|| Diagnostic::new(place, problem));
            }
        }
    }

    fn text(
        &mut self,
        key: &'static Key,
        path: &str,
        text: &str,
        place: Option<Place>,
        mend: Option<String>,
    ) {
        let name = keys::at(path).map(|(_, name)| name).unwrap_or_default();
        match key.slot.set_text(&mut self.config, &name, text) {
            Ok(()) => self.provenance.set(path.to_owned(), Origin { place, variables: Vec::new() }),
            Err(refusal) => {
                let found =
                    refusal.misfits.into_iter().next().map_or(Found::Kind("nothing"), |misfit| misfit.found);
                let problem = Problem::BadValue {
                    key: path.to_owned(),
                    expected: refusal.expected,
                    found: keys::shown(found, false, path),
                    mend: mend.unwrap_or_else(|| example_of(key)),
                };
                self.errors.add(|| Diagnostic::new(place, problem));
            }
        }
    }

    /// Values that are right each by itself and wrong together. Is silent where single values are wrong already.
    fn contradictions(&mut self) {
        if !self.errors.is_empty() {
            return;
        }
        let mut found: Vec<(String, Problem)> = Vec::new();
        let config = &self.config;
        let half = match (&config.tls_cert, &config.tls_key) {
            (Some(_), None) => Some(("tls_cert", "tls_key")),
            (None, Some(_)) => Some(("tls_key", "tls_cert")),
            _ => None,
        };
        if let Some((present, missing)) = half {
            found.push((present.into(), Problem::HalfOfPair { present, missing }));
        }
        if config.limits.call_timeout > config.limits.call_timeout_total {
            let (smaller, larger) = ("limits.call_timeout", "limits.call_timeout_total");
            let told = if self.provenance.place(smaller).is_some() { smaller } else { larger };
            found.push((told.into(), Problem::Contradiction { smaller, larger }));
        }
        let flag = self.provenance.place("http_sse").filter(|place| matches!(place, Place::Flag { .. }));
        if flag.is_some() && config.http_sse && !config.transport.has(Transport::Http) {
            found.push(("http_sse".into(), Problem::NotServed { key: "http_sse", transport: "http" }));
        }
        let mut owners = std::collections::HashMap::new();
        for (name, entry) in &config.tokens {
            let place = format!("tokens.{name}.token");
            if entry.token.expose().is_empty() {
                found.push((format!("tokens.{name}.scopes"), Problem::TokenMissing { name: name.clone() }));
            } else if let Some(other) = owners.insert(entry.token.expose(), name) {
                found.push((place, Problem::TokenShared { name: name.clone(), other: other.clone() }));
            }
        }
        for (path, problem) in found {
            let place = self.provenance.place(&path);
            self.errors.add(|| Diagnostic::new(place, problem));
        }
    }

    fn warnings(&self) -> Vec<Diagnostic> {
        let mut warnings = Vec::new();
        let known: Vec<String> = KEYS.iter().filter_map(Key::variable).collect();
        let plugins: Vec<String> =
            KEYS.iter().flat_map(|key| self.plugin_variables(key)).map(|(variable, _)| variable).collect();
        for variable in self.environment.names("LATIMER_") {
            let is_known = known.iter().chain(&plugins).any(|name| name == variable);
            if !is_known && !self.referenced.contains(variable) {
                let nearest = nearest(variable, known.iter().map(String::as_str)).map(str::to_owned);
                let problem = Problem::UnknownVariable { variable: variable.to_owned(), nearest };
                warnings.push(Diagnostic::new(self.environment.place(variable), problem));
            }
        }
        for name in &self.config.autoload {
            if self.config.plugins.get(name.as_str()).is_some_and(|plugin| !plugin.enabled) {
                let problem = Problem::AutoloadDisabled { plugin: name.to_string() };
                warnings.push(Diagnostic::new(self.provenance.place("autoload"), problem));
            }
        }
        let config = &self.config;
        let open = [(Transport::Http, "host", &config.host), (Transport::Tcp, "tcp.host", &config.tcp.host)];
        for (transport, key, host) in open {
            if !config.transport.has(transport) || host.is_loopback() {
                continue;
            }
            let host = host.to_string();
            let problem = if config.tokens.is_empty() {
                Problem::OpenToAll { key, host }
            } else if transport == Transport::Tcp && config.tls_cert.is_none() {
                Problem::InTheClear { key, host }
            } else {
                continue;
            };
            warnings.push(Diagnostic::new(self.provenance.place(key), problem));
        }
        warnings
    }
}

use std::{collections::BTreeMap, fmt, ops::RangeInclusive};

use super::Value;

/// Flags, environment and file of a process.
#[derive(Debug, Default)]
pub struct Source {
    command: Option<String>,
    help: bool,
    version: bool,
    flags: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
    file: BTreeMap<String, String>,
    known: Vec<Description>,
    errors: Vec<SettingError>,
}

/// One setting as `--help` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub name: &'static str,
    /// `None`: required. `Some("")`: off unless set.
    pub default: Option<&'static str>,
    pub about: &'static str,
}

/// A mistake in one setting, without secret values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct SettingError {
    pub name: String,
    /// Completes the sentence "`name`: …".
    pub problem: String,
}

/// All mistakes, in the order found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SettingsErrors(pub Vec<SettingError>);

impl fmt::Display for SettingsErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} unusable setting(s):", self.0.len())?;
        for error in &self.0 {
            writeln!(f, "  {error}")?;
        }
        write!(
            f,
            "Set each by a flag (--http-bind), in the environment (HTTP_BIND), or in the file of --config; \
             see --help"
        )
    }
}

impl Source {
    /// Reads this process; the first argument without dashes is the command.
    pub fn from_process() -> Self {
        Self::new(std::env::args().skip(1), std::env::vars())
    }

    /// Also reads the file named by `config`.
    pub fn new(
        arguments: impl IntoIterator<Item = String>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let mut source = Self { environment: environment.into_iter().collect(), ..Self::default() };
        source.read_flags(arguments.into_iter());
        source.read_file();
        source
    }

    fn read_flags(&mut self, mut arguments: impl Iterator<Item = String>) {
        while let Some(argument) = arguments.next() {
            match argument.strip_prefix("--") {
                Some("help") => self.help = true,
                Some("version") => self.version = true,
                Some(flag) => match flag.split_once('=') {
                    Some((name, value)) => self.flag(name, Some(value.to_owned())),
                    None => self.flag(flag, arguments.next()),
                },
                None if argument == "-h" => self.help = true,
                None if argument == "-V" => self.version = true,
                None if self.command.is_none() => self.command = Some(argument),
                None => self.error(&argument, "is unknown: flags start with --"),
            }
        }
    }

    fn flag(&mut self, name: &str, value: Option<String>) {
        match value {
            Some(value) => _ = self.flags.insert(name.to_owned(), value),
            None => self.error(name, "needs a value"),
        }
    }

    fn read_file(&mut self) {
        let path = self.lookup("config");
        let Some(path) = path else { return };
        let parsed = std::fs::read_to_string(&path)
            .map_err(|e| e.to_string())
            .and_then(|text| text.parse::<toml::Table>().map_err(|e| e.message().to_owned()));
        match parsed {
            Ok(table) => self.file = table.into_iter().map(|(key, value)| (key, plain(&value))).collect(),
            Err(error) => self.error("config", &format!("cannot read {path}: {error}")),
        }
    }

    /// The command, e.g. `serve`.
    pub fn command(&self) -> Option<&str> {
        self.command.as_deref()
    }

    /// Whether `--help` was given.
    pub fn wants_help(&self) -> bool {
        self.help
    }

    /// Whether `--version` was given.
    pub fn wants_version(&self) -> bool {
        self.version
    }

    /// Reads a setting with a default.
    pub fn value<T: Value>(&mut self, name: &'static str, default: &'static str, about: &'static str) -> T {
        self.describe(name, Some(default), about);
        let text = self.lookup(name);
        self.parse_or(name, text.as_deref(), default)
    }

    /// Reads a required setting; `example` stands in until [`Source::finish`].
    pub fn required<T: Value>(
        &mut self,
        name: &'static str,
        example: &'static str,
        about: &'static str,
    ) -> T {
        self.describe(name, None, about);
        let text = self.lookup(name);
        if text.is_none() {
            self.error(name, &format!("is required, for example {example}"));
        }
        self.parse_or(name, text.as_deref(), example)
    }

    /// Reads an optional setting.
    pub fn optional<T: Value>(&mut self, name: &'static str, about: &'static str) -> Option<T> {
        self.describe(name, Some(""), about);
        let text = self.lookup(name)?;
        T::parse(&text).map_err(|problem| self.error(name, &problem)).ok()
    }

    /// Reads a number; one outside of the range is an error.
    pub fn within<T>(
        &mut self,
        name: &'static str,
        default: &'static str,
        range: RangeInclusive<T>,
        about: &'static str,
    ) -> T
    where
        T: Value + PartialOrd + fmt::Display,
    {
        let value: T = self.value(name, default, about);
        let rule = format!("must be between {} and {}, got {value}", range.start(), range.end());
        self.check(name, range.contains(&value), &rule);
        value
    }

    /// Records the error `rule` for `name` unless `holds`.
    pub fn check(&mut self, name: &str, holds: bool, rule: &str) {
        if !holds {
            self.error(name, rule);
        }
    }

    /// Reports all mistakes, unknown flags and keys included.
    pub fn finish(mut self) -> Result<(), SettingsErrors> {
        let unknown: Vec<String> =
            self.flags.keys().chain(self.file.keys()).filter(|name| !self.is_known(name)).cloned().collect();
        for name in unknown {
            self.error(&name, "is not a setting of this service");
        }
        if self.errors.is_empty() { Ok(()) } else { Err(SettingsErrors(self.errors)) }
    }

    /// The text of `--help`, in the order of reading.
    pub fn help_text(&self) -> String {
        let row = |setting: &Description| {
            let default = match setting.default {
                None => "required".to_owned(),
                Some("") => "off".to_owned(),
                Some(value) => format!("default {value}"),
            };
            format!("  --{:<28} {} ({default})\n", setting.name, setting.about)
        };
        let rows: String = self.known.iter().map(row).collect();
        format!(
            "Settings (a flag, the same name in the environment as in HTTP_BIND, or a key of the TOML file \
             of --config):\n{rows}"
        )
    }

    /// The settings read so far.
    pub fn described(&self) -> &[Description] {
        &self.known
    }

    fn is_known(&self, name: &str) -> bool {
        name == "config" || self.known.iter().any(|setting| setting.name == name)
    }

    fn describe(&mut self, name: &'static str, default: Option<&'static str>, about: &'static str) {
        self.known.push(Description { name, default, about });
    }

    fn lookup(&mut self, name: &str) -> Option<String> {
        let variable = name.to_uppercase().replace('-', "_");
        if let Some(value) = self.flags.get(name).or_else(|| self.environment.get(&variable)) {
            return Some(value.clone());
        }
        if let Some(path) = self.environment.get(&format!("{variable}_FILE")).cloned() {
            return self.read_secret_file(name, &path);
        }
        self.file.get(name).cloned()
    }

    fn read_secret_file(&mut self, name: &str, path: &str) -> Option<String> {
        match std::fs::read_to_string(path) {
            Ok(text) => Some(text.trim_end().to_owned()),
            Err(error) => {
                self.error(name, &format!("cannot read {path}: {error}"));
                None
            }
        }
    }

    /// Records a mistake, and then returns `stand_in`.
    fn parse_or<T: Value>(&mut self, name: &str, text: Option<&str>, stand_in: &'static str) -> T {
        match T::parse(text.unwrap_or(stand_in)) {
            Ok(value) => value,
            Err(problem) => {
                self.error(name, &problem);
                T::parse(stand_in).unwrap_or_else(|e| {
                    unreachable!("the default or example of `{name}` is itself wrong: {e}")
                })
            }
        }
    }

    fn error(&mut self, name: &str, problem: &str) {
        self.errors.push(SettingError { name: name.to_owned(), problem: problem.to_owned() });
    }
}

fn plain(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn source(arguments: &[&str], environment: &[(&str, &str)]) -> Source {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Source::new(arguments.iter().map(|a| (*a).to_owned()), environment.iter().map(pair))
    }

    #[test]
    fn a_flag_wins_over_the_environment_which_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        std::fs::write(&path, "a = 1\nb = 1\nc = 1\n").unwrap();
        let mut source = source(&["--config", path.to_str().unwrap(), "--a=3"], &[("A", "2"), ("B", "2")]);
        let read: [u32; 4] = [
            source.value("a", "0", ""),
            source.value("b", "0", ""),
            source.value("c", "0", ""),
            source.value("d", "0", ""),
        ];
        assert_eq!(read, [3, 2, 1, 0]);
        source.finish().unwrap();
    }

    #[test]
    fn every_mistake_is_reported_at_once() {
        let mut source = source(&["--wait", "soon", "--colour", "red"], &[("WORKERS", "0")]);
        let _: Duration = source.value("wait", "1s", "");
        let _: usize = source.within("workers", "2", 1..=8, "");
        let _: String = source.required("database-url", "postgres://h/d", "");
        let errors = source.finish().unwrap_err().0;
        let names: Vec<&str> = errors.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["wait", "workers", "database-url", "colour"]);
    }

    #[test]
    fn a_secret_can_be_read_from_a_mounted_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "hunter2\n").unwrap();
        let mut source = source(&[], &[("PASSWORD_FILE", path.to_str().unwrap())]);
        assert_eq!(source.required::<String>("password", "x", ""), "hunter2");
    }
}

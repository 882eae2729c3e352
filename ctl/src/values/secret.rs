use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command, Error};

/// Reads a value that holds a password: an error names the option and never the value.
#[derive(Debug, Clone, Copy)]
pub struct Secret(pub fn(&str) -> Result<String, String>);

impl TypedValueParser for Secret {
    type Value = String;

    fn parse_ref(&self, command: &Command, option: Option<&Arg>, value: &OsStr) -> Result<String, Error> {
        (self.0)(&value.to_string_lossy()).map_err(|rule| {
            let name = option.map(ToString::to_string).unwrap_or_default();
            let message = format!("invalid value for '{name}': {rule}");
            command.clone().error(ErrorKind::ValueValidation, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_option_and_hides_the_value() {
        let option = Arg::new("url").long("url").value_parser(Secret(crate::values::redis_url));
        let error = Command::new("shopctl").arg(option).try_get_matches_from(["shopctl", "--url", "hunter2"]);
        let error = error.expect_err("no address").to_string();
        assert!(error.contains("'--url <url>': must be") && !error.contains("hunter2"), "{error}");
    }
}

//! `valetkey token X` is a process per token: its usual forms are read without clap, which would add
//! half of what `/bin/true` takes (`cargo xtask bench` measures both).
//!
//! What is not understood here is left to the whole parser, so that messages and help have one
//! source and the two can differ only in speed.

use std::ffi::OsString;

use crate::args::{Global, Token};
use crate::duration;

/// Reads the arguments after the program's name, if they are a plain `token`.
pub(crate) fn token(args: impl Iterator<Item = OsString>) -> Option<(Global, Token)> {
    let mut args = args.map(|arg| arg.into_string().ok());
    if args.next()??.as_str() != "token" {
        return None;
    }
    let mut global = Global {
        json: false,
        profile: None,
        verbose: false,
    };
    let mut token = Token::default();
    while let Some(arg) = args.next() {
        let arg = arg?;
        let (option, value) = match arg.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (option, Some(value.to_owned())),
            _ => (arg.as_str(), None),
        };
        let mut value = || {
            value
                .clone()
                .or_else(|| args.next()?.filter(|arg| !arg.starts_with('-')))
        };
        match option {
            "--json" if arg == option && !global.json => global.json = true,
            "--header" if arg == option && !token.header => token.header = true,
            "--refresh" if arg == option && !token.refresh => token.refresh = true,
            "--profile" if global.profile.is_none() => {
                global.profile = Some(value()?.parse().ok()?);
            }
            "--min-ttl" if token.min_ttl.is_none() => {
                token.min_ttl = Some(duration::seconds(&value()?).ok()?);
            }
            "--wait" if token.wait.is_none() => {
                token.wait = Some(duration::seconds(&value()?).ok()?);
            }
            "--scopes" if token.scopes.is_none() => {
                token.scopes = Some(value()?.split(',').map(str::to_owned).collect());
            }
            name if !name.starts_with('-') && !name.is_empty() && token.connection.is_empty() => {
                name.clone_into(&mut token.connection);
            }
            _ => return None,
        }
    }
    if token.connection.is_empty() || (token.header && global.json) {
        return None;
    }
    Some((global, token))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use proptest::prelude::*;

    use super::*;
    use crate::args::{Cli, Command};

    fn whole(args: &[String]) -> Option<(Global, Token)> {
        let words = std::iter::once("valetkey").chain(args.iter().map(String::as_str));
        let cli = Cli::try_parse_from(words).ok()?;
        match cli.command {
            Command::Token(token) => Some((cli.global, token)),
            _ => None,
        }
    }

    #[test]
    fn the_usual_forms_are_read() {
        for line in [
            "token github",
            "token github/work --json",
            "token --header github",
            "token github --min-ttl 10min --scopes=a,b --profile staging --refresh",
        ] {
            let args = line.split(' ').map(OsString::from);
            assert!(token(args).is_some(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn it_never_reads_anything_else_than_the_whole_parser_does(
            words in proptest::collection::vec(prop_oneof![
                Just("github"), Just("--json"), Just("--header"), Just("--refresh"), Just("--min-ttl"),
                Just("5min"), Just("--min-ttl=3"), Just("--scopes"), Just("a,b"), Just("--scopes=a"),
                Just("--profile"), Just("staging"), Just("--help"), Just("-v"), Just("--"), Just(""),
                Just("--json=1"), Just("x=y"), Just("--scopes="),
            ], 0..6)
        ) {
            let mut args = vec!["token".to_owned()];
            args.extend(words.into_iter().map(str::to_owned));
            if let Some((global, token)) = token(args.iter().map(OsString::from)) {
                let (whole_global, whole_token) = whole(&args).expect("the whole parser reads it, too");
                prop_assert_eq!(token, whole_token);
                prop_assert_eq!(global.json, whole_global.json);
                prop_assert_eq!(global.profile, whole_global.profile);
            }
        }
    }
}

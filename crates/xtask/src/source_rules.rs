//! Rules about source files that no compiler checks: no unfinished work, no empty type names, no
//! overlong files, no `mod.rs`.

use std::fs;

use crate::command::{self, TaskError};

/// Files are split before 400 lines; this is the hard limit. Unit tests at a file's end do not
/// count.
const MAX_LINES: usize = 430;

/// Spelled in two parts, so that this file does not break its own rule.
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("#[ig", "nore"),
];

/// Suffixes of type names that say nothing about the type.
const EMPTY_SUFFIXES: &[&str] = &[
    "Manager", "Service", "Helper", "Util", "Utils", "Data", "Info",
];

const TYPES: &[&str] = &["struct ", "enum ", "trait ", "union "];

/// Every broken rule, as `file:line: sentence`.
pub(crate) fn broken() -> Result<Vec<String>, TaskError> {
    let mut git = std::process::Command::new("git");
    let listed = git
        .args(["ls-files", "-z", "--", "*.rs"])
        .current_dir(command::repository());
    let listed = String::from_utf8(command::output(listed)?).expect("our file names are UTF-8");
    let files = listed.split_terminator('\0');
    Ok(files
        .filter_map(|file| {
            Some((
                file,
                fs::read_to_string(command::repository().join(file)).ok()?,
            ))
        })
        .flat_map(|(file, text)| broken_in(file, &text))
        .collect())
}

fn broken_in(file: &str, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    if file == "mod.rs" || file.ends_with("/mod.rs") {
        broken.push(format!(
            "{file}: put the module into `foo.rs` beside `foo/`"
        ));
    }
    for (line, number) in text.lines().zip(1..) {
        if let Some(word) = UNFINISHED.iter().find(|word| line.contains(**word)) {
            broken.push(format!("{file}:{number}: unfinished: `{word}`"));
        }
        if let Some(name) = declared_type(line)
            && let Some(word) = EMPTY_SUFFIXES.iter().find(|word| name.ends_with(**word))
        {
            broken.push(format!(
                "{file}:{number}: `{name}`: `{word}` says nothing about the type"
            ));
        }
    }
    let code = text
        .split_once("\nmod tests {")
        .map_or(text, |(code, _)| code);
    let length = code.lines().count();
    if length > MAX_LINES {
        broken.push(format!("{file}: {length} lines: split it"));
    }
    broken
}

fn declared_type(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line
        .strip_prefix("pub")
        .map_or(line, |rest| match rest.strip_prefix('(') {
            Some(rest) => rest.split_once(") ").map_or(rest, |(_, rest)| rest),
            None => rest.trim_start(),
        });
    let name = TYPES.iter().find_map(|kind| line.strip_prefix(kind))?;
    name.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_repository_keeps_its_source_rules() {
        assert_eq!(broken().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn an_empty_suffix_is_found_in_the_name_of_a_type_only() {
        let text = "pub(crate) struct TokenManager;\npub enum State {}\nlet service = Service;";
        assert_eq!(
            broken_in("a.rs", text),
            ["a.rs:1: `TokenManager`: `Manager` says nothing about the type"]
        );
    }

    #[test]
    fn a_mod_file_is_found() {
        let expected = "a/mod.rs: put the module into `foo.rs` beside `foo/`";
        assert_eq!(broken_in("a/mod.rs", ""), [expected]);
        assert_eq!(broken_in("a/amod.rs", ""), [""; 0]);
    }

    #[test]
    fn unfinished_work_and_a_long_file_are_found() {
        let text = format!("// {}: later\n", UNFINISHED[0]) + &"\n".repeat(MAX_LINES);
        let broken = broken_in("a.rs", &text);
        assert_eq!(broken.len(), 2, "{broken:?}");
    }
}

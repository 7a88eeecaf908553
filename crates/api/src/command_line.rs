//! A command as a person writes it: its words, and whether its program is there.

use std::env;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The program that a command names, if there is none of this name.
pub fn missing_program(template: &str) -> Option<String> {
    let program = words(template).into_iter().next().unwrap_or_default();
    (!is_program(&program)).then_some(program)
}

/// Whether a program is there: by its path, or in `PATH`.
pub fn is_program(program: &str) -> bool {
    if program.contains('/') {
        return is_executable(Path::new(program));
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| is_executable(&folder.join(program)))
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

/// Splits at spaces; quotes and backslashes keep them, as in a shell, and nothing else is special.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (_, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(chars.next()),
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_program_is_a_file_that_can_be_run() {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("page.html");
        fs::write(&page, "").unwrap();
        let page = page.to_str().unwrap();
        let missing = missing_program;
        assert_eq!(missing("sh -c 'exit 0'"), None);
        assert_eq!(missing("/bin/sh %s"), None);
        for program in [
            page,
            folder.path().to_str().unwrap(),
            "/nowhere/sh",
            "nosuchbrowser",
        ] {
            assert_eq!(
                missing(&format!("'{program}' %s")).as_deref(),
                Some(program)
            );
        }
        assert_eq!(missing(" ").as_deref(), Some(""));
    }
}

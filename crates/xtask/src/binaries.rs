//! Builds the programs, and names the variables that carry their paths.

use std::path::PathBuf;

use serde_json::Value;

use crate::command::{self, TaskError};

/// Name of a binary, and the variable that carries its path to tests and benchmarks.
const BINARIES: [(&str, &str); 3] = [
    ("valetkey", "VALETKEY_BIN"),
    ("valetkey-agent", "VALETKEY_AGENT_BIN"),
    ("valetkey-demo-provider", "VALETKEY_DEMO_PROVIDER_BIN"),
];

const DESKTOP: (&str, &str) = ("valetkey-desktop", "VALETKEY_DESKTOP_BIN");

/// Builds them for debugging; returns the variables that name them.
pub(crate) fn build() -> Result<Vec<(&'static str, PathBuf)>, TaskError> {
    command::run(&mut command::cargo(&["build", "--bins"]))?;
    debug_paths(&BINARIES)
}

/// As [`build`], with the desktop app.
pub(crate) fn build_all() -> Result<Vec<(&'static str, PathBuf)>, TaskError> {
    command::run(&mut command::cargo(&["build", "--workspace", "--bins"]))?;
    let mut paths = debug_paths(&BINARIES)?;
    paths.extend(debug_paths(&[DESKTOP])?);
    Ok(paths)
}

fn debug_paths(
    binaries: &[(&'static str, &'static str)],
) -> Result<Vec<(&'static str, PathBuf)>, TaskError> {
    let folder = target_folder()?.join("debug");
    let path = |(name, variable): &(&'static str, &'static str)| (*variable, folder.join(name));
    Ok(binaries.iter().map(path).collect())
}

/// Builds the command and the agent as they ship.
///
/// The command is linked statically and at a fixed address: a whole `valetkey token` is little more
/// than the start of a process, and the dynamic loader would be most of it. Naming the target keeps
/// the flags away from build scripts and procedural macros.
pub(crate) fn build_release() -> Result<Vec<(&'static str, PathBuf)>, TaskError> {
    command::run(&mut command::cargo(&[
        "build",
        "--release",
        "--locked",
        "-p",
        "valetkey-server",
    ]))?;
    let target = host()?;
    let mut command = command::cargo(&["build", "--release", "--locked", "-p", "valetkey-cli"]);
    command.args(["--target", &target]);
    if target.ends_with("linux-gnu") {
        let flags = "-C target-feature=+crt-static -C relocation-model=static";
        command.env("RUSTFLAGS", flags);
    }
    command::run(&mut command)?;
    let [command, agent, _] = BINARIES;
    let target = target_folder()?.join(target);
    Ok(vec![
        (command.1, target.join("release").join(command.0)),
        release_path(agent)?,
    ])
}

/// The demo provider as it ships.
pub(crate) fn build_release_provider() -> Result<(&'static str, PathBuf), TaskError> {
    let provider = [
        "build",
        "--release",
        "--locked",
        "-p",
        "valetkey-demo-provider",
    ];
    command::run(&mut command::cargo(&provider))?;
    let [.., provider] = BINARIES;
    release_path(provider)
}

/// The desktop app as it ships; the page must be built.
pub(crate) fn build_release_desktop() -> Result<(&'static str, PathBuf), TaskError> {
    let app = ["build", "--release", "--locked", "-p", "valetkey-desktop"];
    command::run(&mut command::cargo(&app))?;
    release_path(DESKTOP)
}

fn release_path(
    (name, variable): (&str, &'static str),
) -> Result<(&'static str, PathBuf), TaskError> {
    Ok((variable, target_folder()?.join("release").join(name)))
}

/// Where cargo builds.
pub(crate) fn target_folder() -> Result<PathBuf, TaskError> {
    let arguments = ["metadata", "--no-deps", "--format-version", "1"];
    let output = command::output(&mut command::cargo(&arguments))?;
    let metadata: Value = serde_json::from_slice(&output).expect("cargo prints JSON");
    let folder = metadata["target_directory"].as_str();
    Ok(PathBuf::from(folder.expect("cargo names it")))
}

fn host() -> Result<String, TaskError> {
    let output =
        command::output(std::process::Command::new("rustc").args(["--print", "host-tuple"]))?;
    Ok(String::from_utf8_lossy(&output).trim().to_owned())
}

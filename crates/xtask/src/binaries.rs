//! Building the product's binaries, and the variables that carry their paths.

use std::path::PathBuf;

use serde_json::Value;

use crate::shell::{self, Failure};

/// Name of a binary, and the variable that carries its path to tests and benchmarks.
const BINARIES: [(&str, &str); 3] = [
    ("valetkey", "VALETKEY_BIN"),
    ("valetkey-agent", "VALETKEY_AGENT_BIN"),
    ("valetkey-demo-provider", "VALETKEY_DEMO_PROVIDER_BIN"),
];

const DESKTOP: (&str, &str) = ("valetkey-desktop", "VALETKEY_DESKTOP_BIN");

/// Builds them for debugging; gives the variables that name them.
pub(crate) fn build() -> Result<Vec<(&'static str, PathBuf)>, Failure> {
    shell::run(&mut shell::cargo(&["build", "--bins"]))?;
    debug_paths(&BINARIES)
}

/// As [`build`], with the desktop app.
pub(crate) fn build_all() -> Result<Vec<(&'static str, PathBuf)>, Failure> {
    shell::run(&mut shell::cargo(&["build", "--workspace", "--bins"]))?;
    let mut paths = debug_paths(&BINARIES)?;
    paths.extend(debug_paths(&[DESKTOP])?);
    Ok(paths)
}

fn debug_paths(
    binaries: &[(&'static str, &'static str)],
) -> Result<Vec<(&'static str, PathBuf)>, Failure> {
    let folder = target_folder()?.join("debug");
    let path = |(name, variable): &(&'static str, &'static str)| (*variable, folder.join(name));
    Ok(binaries.iter().map(path).collect())
}

/// Builds them as they ship.
///
/// The `valetkey` command is linked statically: a whole `valetkey token` is little more than the
/// start of a process, and the dynamic loader would be most of it.
pub(crate) fn build_release() -> Result<Vec<(&'static str, PathBuf)>, Failure> {
    let others = [
        "build",
        "--release",
        "-p",
        "valetkey-server",
        "-p",
        "valetkey-demo-provider",
        "--bins",
    ];
    shell::run(&mut shell::cargo(&others))?;
    let release = target_folder()?.join("release");
    let mut paths: Vec<_> = BINARIES
        .iter()
        .map(|(name, variable)| (*variable, release.join(name)))
        .collect();
    // Naming the target keeps the flag away from build scripts and procedural macros.
    let target = host()?;
    let mut command = shell::cargo(&[
        "build",
        "--release",
        "-p",
        "valetkey-cli",
        "--target",
        &target,
    ]);
    if target.ends_with("linux-gnu") {
        command.env(
            "RUSTFLAGS",
            "-C target-feature=+crt-static -C relocation-model=static",
        );
    }
    shell::run(&mut command)?;
    paths[0].1 = target_folder()?.join(&target).join("release/valetkey");
    Ok(paths)
}

/// The desktop app as it ships; the page must be built.
pub(crate) fn build_release_desktop() -> Result<(&'static str, PathBuf), Failure> {
    let app = ["build", "--release", "-p", "valetkey-desktop"];
    shell::run(&mut shell::cargo(&app))?;
    let (name, variable) = DESKTOP;
    Ok((variable, target_folder()?.join("release").join(name)))
}

/// Where cargo builds.
pub(crate) fn target_folder() -> Result<PathBuf, Failure> {
    let arguments = ["metadata", "--no-deps", "--format-version", "1"];
    let output = shell::output(&mut shell::cargo(&arguments))?;
    let metadata: Value = serde_json::from_slice(&output).expect("cargo prints JSON");
    let folder = metadata["target_directory"].as_str();
    Ok(PathBuf::from(folder.expect("cargo names it")))
}

fn host() -> Result<String, Failure> {
    let output =
        shell::output(std::process::Command::new("rustc").args(["--print", "host-tuple"]))?;
    Ok(String::from_utf8_lossy(&output).trim().to_owned())
}

//! Where an import comes from.

use std::env;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use valetkey_transfer::file::{self, Content};
use valetkey_transfer::mcp_remote::{self, StoredFile};
use valetkey_transfer::{Found, Unreadable, encrypted, env_file, git, oidc_agent};
use zeroize::Zeroizing;

use crate::args::{Import, Passphrase};
use crate::commands::{input_file, passphrase};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Most files of a folder.
const MAX_FILES: usize = 1000;

/// What was named on the command line.
pub(super) enum Source {
    File(PathBuf),
    Git,
    /// The store, and the URLs of the servers.
    McpRemote(PathBuf, Vec<String>),
    OidcAgent,
    Environment,
}

/// What was read there, byte for byte, each part with its path.
pub(super) type Parts = Vec<(PathBuf, Zeroizing<Vec<u8>>)>;

impl Source {
    pub(super) fn of(args: &Import) -> Result<Self, Failure> {
        let named = &args.source;
        let source = match named.to_str() {
            Some("mcp-remote") => Self::McpRemote(mcp_remote_store(), args.servers.clone()),
            Some("git") => Self::Git,
            Some("oidc-agent") => Self::OidcAgent,
            Some("env") => Self::Environment,
            Some(_) | None if named.is_dir() && named.ends_with(mcp_remote::FOLDER) => {
                let store = named.canonicalize();
                Self::McpRemote(
                    store.unwrap_or_else(|_| named.clone()),
                    args.servers.clone(),
                )
            }
            Some(_) | None => Self::File(named.clone()),
        };
        let is_mcp_remote = matches!(source, Self::McpRemote(..));
        if is_mcp_remote || (args.servers.is_empty() && !args.move_logins) {
            return Ok(source);
        }
        let what = "`--server` and `--move-logins` are for `valetkey import mcp-remote`";
        Err(Failure::new(Exit::Usage, what).hint("leave them out"))
    }

    pub(super) fn read(&self) -> Result<Parts, Failure> {
        match self {
            Self::File(path) => Ok(vec![(path.clone(), input_file::read(path)?)]),
            Self::Git => Ok(vec![(PathBuf::from("git"), git_config()?)]),
            Self::McpRemote(store, _) => mcp_remote_files(store),
            Self::OidcAgent => oidc_agent_files(),
            Self::Environment => Ok(Parts::new()),
        }
    }

    /// Whether it is another one than `before`. What came by stdin cannot change.
    pub(super) fn is_changed(&self, before: &Parts) -> Result<bool, Failure> {
        if let Self::File(path) = self
            && path == Path::new("-")
        {
            return Ok(false);
        }
        Ok(self.read()? != *before)
    }

    /// What is in it; asks for the passphrase of an encrypted file.
    pub(super) fn found(
        &self,
        terminal: Terminal,
        read: &Parts,
        from: &Passphrase,
    ) -> Result<Found, Failure> {
        let wrong = |path: &Path, error: Unreadable| {
            let what = format!("`{}` cannot be imported", path.display());
            Failure::new(Exit::Usage, what)
                .why(error.message)
                .hint(error.hint)
        };
        let mut found = Found::default();
        for (path, bytes) in read {
            let part = match self {
                Self::File(_) => match file::read(bytes).map_err(|error| wrong(path, error))? {
                    Content::Found(found) => Ok(found),
                    Content::Encrypted => {
                        let passphrase = passphrase::known(terminal, from)?;
                        encrypted::decrypt(bytes, &passphrase)
                            .and_then(|text| file::read_decrypted(&text))
                    }
                },
                Self::Git => git::read(bytes),
                Self::OidcAgent => oidc_agent::issuer_file(bytes),
                Self::McpRemote(..) | Self::Environment => continue,
            };
            let part = part.map_err(|error| wrong(path, error))?;
            found.authenticators.extend(part.authenticators);
            found.remarks.extend(part.remarks);
        }
        if let Self::McpRemote(store, servers) = self {
            let files = read
                .iter()
                .filter_map(|(path, bytes)| stored_file(store, path, bytes));
            let files: Vec<_> = files.collect();
            found = mcp_remote::read(&files, servers).map_err(|error| wrong(store, error))?;
        }
        if let Self::Environment = self {
            let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
                Some((name.into_string().ok()?, value.into_string().ok()?))
            };
            found = env_file::of_environment(env::vars_os().filter_map(text))
                .map_err(|error| wrong(Path::new("env"), error))?;
        }
        Ok(found)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "`{}`", path.display()),
            Self::Git => f.write_str("the git configuration"),
            Self::McpRemote(..) => f.write_str("the store of mcp-remote"),
            Self::OidcAgent => f.write_str("the folder of oidc-agent"),
            Self::Environment => f.write_str("the environment"),
        }
    }
}

/// What git says about the clients of its credential helpers. Only git knows which files it reads.
fn git_config() -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut git = Command::new("git");
    git.args(git::QUERY).stdin(Stdio::null());
    let output = git.output().map_err(|error| {
        Failure::new(Exit::Unavailable, "`git` cannot be run")
            .why(error)
            .hint("install git, or import a file")
    })?;
    let printed = Zeroizing::new(output.stdout);
    match output.status.code() {
        // 1: nothing matches.
        Some(0 | 1) => Ok(printed),
        Some(_) | None => Err(
            Failure::new(Exit::Failed, "git cannot read its configuration")
                .why(String::from_utf8_lossy(&output.stderr).trim())
                .hint("`git config --list` shows what is wrong"),
        ),
    }
}

/// `issuer.config` and `issuer.config.d/*` of the person's own folder.
fn oidc_agent_files() -> Result<Parts, Failure> {
    let mut parts = Parts::new();
    let Some(folder) = oidc_agent_folder() else {
        return Ok(parts);
    };
    let mut paths = vec![folder.join("issuer.config")];
    paths.extend(paths_in(&folder.join("issuer.config.d")));
    for path in paths {
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            _ => {
                let content = input_file::read(&path)?;
                parts.push((path, content));
            }
        }
    }
    Ok(parts)
}

fn oidc_agent_folder() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    if let Some(folder) = set("OIDC_CONFIG_DIR") {
        return Some(folder.into());
    }
    let home = PathBuf::from(set("HOME")?);
    [".config/oidc-agent", ".oidc-agent"]
        .map(|folder| home.join(folder))
        .into_iter()
        .find(|folder| folder.is_dir())
}

/// Where mcp-remote keeps its files.
fn mcp_remote_store() -> PathBuf {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    let store = set("MCP_REMOTE_CONFIG_DIR").map(PathBuf::from);
    let beside_home = || PathBuf::from(set("HOME").unwrap_or_default()).join(mcp_remote::FOLDER);
    let store = store.unwrap_or_else(beside_home);
    store.canonicalize().unwrap_or(store)
}

/// The files of the store, in the folder itself and in those below it.
fn mcp_remote_files(store: &Path) -> Result<Parts, Failure> {
    let mut folders = vec![store.to_owned()];
    let is_folder = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|it| it.is_dir());
    folders.extend(paths_in(store).into_iter().filter(is_folder));
    let mut parts = Parts::new();
    for path in folders.iter().flat_map(|folder| paths_in(folder)) {
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(mcp_remote::is_wanted) {
            let content = input_file::read(&path)?;
            parts.push((path, content));
        }
    }
    Ok(parts)
}

/// What is in a folder, sorted; nothing if there is none.
fn paths_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.take(MAX_FILES).map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn stored_file<'a>(store: &Path, path: &'a Path, content: &'a [u8]) -> Option<StoredFile<'a>> {
    let folder = path.parent()?;
    Some(StoredFile {
        path,
        folder: if folder == store {
            ""
        } else {
            folder.file_name()?.to_str()?
        },
        name: path.file_name()?.to_str()?,
        content,
    })
}

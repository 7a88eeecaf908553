//! Paths of everything on disk: the one place that knows paths. Pure; creating folders is the vault's.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::secret::Fingerprint;

/// Longest Unix socket path that every platform takes, in bytes (macOS: 104 with the final NUL).
const MAX_SOCKET_PATH: usize = 103;

/// The folders of one Valet Key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// Database, vault id, file store, and who their one agent is: lock and `endpoint.json`. The same
    /// from every terminal of the user, unlike `runtime`.
    pub data: PathBuf,
    /// What the person writes by hand: providers of their own.
    pub config: PathBuf,
    /// Log file.
    pub state: PathBuf,
    /// The socket. Belongs to one data folder: homes that share `XDG_RUNTIME_DIR` share no socket.
    pub runtime: PathBuf,
    /// True for the one usual data folder, whose name in the keychain is fixed.
    pub is_default: bool,
}

/// No folder could be named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoHome {
    /// A trial that was meant for a folder of its own must not end in the real one.
    #[error("`VALETKEY_HOME` is no absolute path")]
    Relative,
    /// There is nothing to go by.
    #[error("no home folder: neither `VALETKEY_HOME` nor `HOME` is set to an absolute path")]
    Unset,
}

impl Home {
    /// Reads the environment through `var`: `VALETKEY_HOME`, else the XDG folders.
    pub fn from_env(var: impl Fn(&str) -> Option<OsString>) -> Result<Self, NoHome> {
        let dir = |name| {
            var(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        if let Some(home) = var("VALETKEY_HOME").filter(|home| !home.is_empty()) {
            let home = PathBuf::from(home);
            return home
                .is_absolute()
                .then(|| Self::at(&home))
                .ok_or(NoHome::Relative);
        }
        let home = dir("HOME").ok_or(NoHome::Unset)?;
        let under = |name, rest: &str| {
            dir(name)
                .unwrap_or_else(|| home.join(rest))
                .join("valetkey")
        };
        let state = under("XDG_STATE_HOME", ".local/state");
        let data = under("XDG_DATA_HOME", ".local/share");
        let run = dir("XDG_RUNTIME_DIR")
            .map_or_else(|| state.join("run"), |runtime| runtime.join("valetkey"));
        Ok(Self {
            is_default: data == home.join(".local/share/valetkey"),
            runtime: run.join(short_id(&data)),
            config: under("XDG_CONFIG_HOME", ".config"),
            data,
            state,
        })
    }

    /// Everything in one folder.
    pub fn at(folder: &Path) -> Self {
        Self {
            data: folder.to_owned(),
            config: folder.to_owned(),
            state: folder.to_owned(),
            runtime: folder.join("run"),
            is_default: false,
        }
    }

    /// Distinguishes this home where homes share a folder.
    pub fn short_id(&self) -> String {
        short_id(&self.data)
    }

    /// The SQLite database.
    pub fn database(&self) -> PathBuf {
        self.data.join("valetkey.db")
    }

    /// Names this home in the keychain.
    pub fn vault_id(&self) -> PathBuf {
        self.data.join("vault-id")
    }

    /// The encrypted file store, where it was chosen.
    pub fn secret_file(&self) -> PathBuf {
        self.data.join("secrets.vault")
    }

    /// The person's own catalogue files.
    pub fn providers(&self) -> PathBuf {
        self.config.join("providers")
    }

    /// The log file.
    pub fn log(&self) -> PathBuf {
        self.state.join("oauth.log")
    }

    /// Held by the one agent of this home.
    pub fn lock(&self) -> PathBuf {
        self.data.join("agent.lock")
    }

    /// Names socket and port; mode 0600.
    pub fn endpoint(&self) -> PathBuf {
        self.data.join("endpoint.json")
    }

    /// The socket, or None if its path is too long for a socket: then a short private folder is
    /// used, and [`Self::endpoint`] says where.
    pub fn socket(&self) -> Option<PathBuf> {
        let path = self.runtime.join("agent.sock");
        (path.as_os_str().len() <= MAX_SOCKET_PATH).then_some(path)
    }
}

/// The same data folder under another name (a link) has another id; clients then find the agent by
/// [`Home::endpoint`].
fn short_id(data: &Path) -> String {
    let mut id = Fingerprint::of(&data.to_string_lossy()).as_str().to_owned();
    id.truncate(12);
    id
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn home(vars: &[(&str, &str)]) -> Result<Home, NoHome> {
        Home::from_env(|name| {
            vars.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.into())
        })
    }

    #[test]
    fn valetkey_home_moves_everything_into_one_folder() {
        let home = home(&[
            ("VALETKEY_HOME", "/t"),
            ("HOME", "/h"),
            ("XDG_DATA_HOME", "/d"),
        ])
        .unwrap();
        assert_eq!(home.database(), Path::new("/t/valetkey.db"));
        assert_eq!(home.socket().unwrap(), Path::new("/t/run/agent.sock"));
        assert!(!home.is_default);
    }

    #[test]
    fn xdg_folders_are_the_default() {
        let home = home(&[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/run/user/1")]).unwrap();
        assert_eq!(
            home.database(),
            Path::new("/h/.local/share/valetkey/valetkey.db")
        );
        assert_eq!(home.log(), Path::new("/h/.local/state/valetkey/oauth.log"));
        assert_eq!(home.providers(), Path::new("/h/.config/valetkey/providers"));
        assert_eq!(
            home.socket().unwrap(),
            Path::new("/run/user/1/valetkey")
                .join(home.short_id())
                .join("agent.sock")
        );
        assert!(home.is_default);
    }

    /// `su`, `cron` and `ssh` give the same user another runtime folder, or none.
    #[test]
    fn one_user_has_one_lock_wherever_the_socket_is() {
        let seated = home(&[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/run/user/1")]).unwrap();
        let cron = home(&[("HOME", "/h")]).unwrap();
        assert_ne!(seated.socket(), cron.socket());
        assert_eq!(seated.lock(), cron.lock());
        assert_eq!(seated.endpoint(), cron.endpoint());
    }

    #[test]
    fn homes_that_share_a_runtime_folder_share_no_socket() {
        let all = [
            home(&[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/r")]),
            home(&[("HOME", "/i"), ("XDG_RUNTIME_DIR", "/r")]),
            home(&[
                ("HOME", "/h"),
                ("XDG_DATA_HOME", "/d"),
                ("XDG_RUNTIME_DIR", "/r"),
            ]),
            home(&[("HOME", "/h"), ("XDG_STATE_HOME", "/s")]),
            home(&[("HOME", "/i"), ("XDG_STATE_HOME", "/s")]),
        ];
        let sockets: HashSet<_> = all.map(|home| home.unwrap().socket().unwrap()).into();
        assert_eq!(sockets.len(), 5);
    }

    #[test]
    fn another_data_folder_is_another_home() {
        let moved = home(&[("HOME", "/h"), ("XDG_DATA_HOME", "/d")]).unwrap();
        assert!(
            !moved.is_default,
            "it shares no database with the usual one"
        );
    }

    #[test]
    fn relative_folders_are_ignored() {
        assert_eq!(home(&[("HOME", "h")]), Err(NoHome::Unset));
    }

    #[test]
    fn a_relative_home_of_our_own_is_refused_and_never_replaced_by_the_real_one() {
        let relative = home(&[("VALETKEY_HOME", "t"), ("HOME", "/h")]);
        assert_eq!(relative, Err(NoHome::Relative));
        assert!(
            home(&[("VALETKEY_HOME", ""), ("HOME", "/h")])
                .unwrap()
                .is_default
        );
    }

    #[test]
    fn a_socket_path_that_is_too_long_is_not_used() {
        let long = format!("/{}", "x".repeat(120));
        assert_eq!(Home::at(Path::new(&long)).socket(), None);
    }
}

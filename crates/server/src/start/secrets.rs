//! Which secret store, and what opens it. Nothing is ever read from the command line.

use std::env;
use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::task::spawn_blocking;
use valetkey_agent::vault::{FileKey, StoreChoice};
use valetkey_api::core::home::Home;
use zeroize::Zeroizing;

use super::{Failure, Signals};

/// The secret stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Store {
    /// The keychain of the system
    Keychain,
    /// An encrypted file, for machines without a keychain
    File,
    /// Nothing outlives the agent: a trial
    Memory,
}

/// Opens nothing yet. `requested` wins over `VALETKEY_SECRET_STORE`; the keychain is the default. A
/// passphrase that stands nowhere is asked for at the terminal until one of `signals` comes; without
/// them nobody is asked.
pub async fn choose_store(
    home: &Home,
    requested: Option<Store>,
    signals: Option<&mut Signals>,
) -> Result<StoreChoice, Failure> {
    let chosen = match requested {
        Some(store) => store,
        None => from_environment()?,
    };
    Ok(match chosen {
        Store::Keychain => StoreChoice::Keychain,
        Store::Memory => StoreChoice::Memory,
        Store::File => StoreChoice::File(file_key(home, signals).await?),
    })
}

fn from_environment() -> Result<Store, Failure> {
    let requested = env::var("VALETKEY_SECRET_STORE").unwrap_or_default();
    match requested.as_str() {
        "" | "keychain" => Ok(Store::Keychain),
        "file" => Ok(Store::File),
        "memory" => Ok(Store::Memory),
        other => Err(Failure::not_configured(
            format!("`VALETKEY_SECRET_STORE` is `{other}`"),
            "use `keychain`, `file` or `memory`",
        )),
    }
}

async fn file_key(home: &Home, signals: Option<&mut Signals>) -> Result<FileKey, Failure> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    if let Some(path) = set("VALETKEY_KEY_FILE") {
        let path = PathBuf::from(path);
        fs::File::open(&path).map_err(|error| {
            Failure::not_configured(
                format!("`{}` cannot be read: {error}", path.display()),
                "`VALETKEY_KEY_FILE` names a file of at least 32 random bytes",
            )
        })?;
        return Ok(FileKey::KeyFile(path));
    }
    if let Some(path) = set("VALETKEY_PASSPHRASE_FILE") {
        let path = PathBuf::from(path);
        let text = fs::read_to_string(&path)
            .map(Zeroizing::new)
            .map_err(|error| {
                Failure::not_configured(
                    format!("`{}` cannot be read: {error}", path.display()),
                    "`VALETKEY_PASSPHRASE_FILE` names a file whose first line is the passphrase",
                )
            })?;
        let first = text.lines().next().unwrap_or_default();
        return passphrase(first.to_owned().into());
    }
    if let Some(text) = set("VALETKEY_PASSPHRASE") {
        return passphrase(text.to_string_lossy().into_owned().into());
    }
    match signals {
        Some(signals) if io::stdin().is_terminal() => prompt(home, signals).await,
        Some(_) | None => Err(Failure::not_configured(
            "the secret file needs a passphrase, and nobody can be asked",
            "set `VALETKEY_PASSPHRASE_FILE` or `VALETKEY_KEY_FILE`, or run `valetkey serve --secret-store file` in a terminal",
        )),
    }
}

fn passphrase(text: Zeroizing<String>) -> Result<FileKey, Failure> {
    if text.is_empty() {
        return Err(Failure::not_configured(
            "the passphrase is empty",
            "choose one of several words",
        ));
    }
    Ok(FileKey::Passphrase(text))
}

async fn prompt(home: &Home, signals: &mut Signals) -> Result<FileKey, Failure> {
    let unreadable = |error: io::Error| {
        Failure::not_configured(
            format!("the passphrase cannot be read: {error}"),
            "set `VALETKEY_PASSPHRASE_FILE`",
        )
    };
    if home.secret_file().exists() {
        let text = ask("Passphrase of the secret file: ", signals).await;
        return passphrase(text.map_err(unreadable)?);
    }
    let first = ask("New passphrase for the secret file: ", signals).await;
    let first = first.map_err(unreadable)?;
    let again = ask("Once more: ", signals).await.map_err(unreadable)?;
    if *first != *again {
        return Err(Failure::not_configured(
            "the two passphrases differ",
            "start again",
        ));
    }
    passphrase(first)
}

/// Asks without showing what is typed, until a signal comes.
async fn ask(question: &str, signals: &mut Signals) -> io::Result<Zeroizing<String>> {
    let _hidden = HiddenInput::begin()?;
    let mut stderr = io::stderr();
    write!(stderr, "{question}")?;
    stderr.flush()?;
    let line = spawn_blocking(|| {
        let mut line = Zeroizing::new(String::new());
        io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    let mut line = tokio::select! {
        line = line => line.map_err(io::Error::other)??,
        () = signals.any() => return Err(io::ErrorKind::Interrupted.into()),
    };
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    Ok(line)
}

/// A terminal that does not show what is typed, until dropped.
struct HiddenInput {
    usual: Termios,
}

impl HiddenInput {
    fn begin() -> io::Result<Self> {
        let stdin = io::stdin();
        let usual = tcgetattr(&stdin)?;
        let mut hidden = usual.clone();
        hidden.local_modes -= LocalModes::ECHO;
        tcsetattr(&stdin, OptionalActions::Flush, &hidden)?;
        Ok(Self { usual })
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        tcsetattr(io::stdin(), OptionalActions::Flush, &self.usual).ok();
        writeln!(io::stderr()).ok();
    }
}

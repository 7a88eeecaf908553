//! Where a secret comes from: stdin, a file or a variable, never argv.

use std::env;
use std::fs;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::Path;

use valetkey_api::core::secret::{ClientSecret, PastedSecret};
use zeroize::Zeroizing;

use super::hidden;
use crate::args::Secret;
use crate::exit::Exit;
use crate::failure::Failure;

/// Longest secret.
const MAX_SECRET: u16 = u16::MAX;

/// The client secret, if one was offered.
pub(super) fn read(from: &Secret) -> Result<Option<ClientSecret>, Failure> {
    let text = if from.client_secret_stdin {
        from_stdin("client secret")?
    } else if let Some(path) = &from.client_secret_file {
        from_file(path)?
    } else if let Some(name) = &from.client_secret_env {
        env::var(name).map(Zeroizing::new).map_err(|_| {
            Failure::new(
                Exit::Usage,
                format!("the environment variable `{name}` is not set"),
            )
        })?
    } else {
        return Ok(None);
    };
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(Failure::new(Exit::Usage, "the client secret is empty")
            .hint("give it to the command, such as `... --client-secret-stdin < secret.txt`"));
    }
    Ok(Some(ClientSecret::new(secret)))
}

/// The client's private key, if one was offered.
pub(super) fn read_key(from: &Secret) -> Result<Option<ClientSecret>, Failure> {
    let path = from.private_key_file.as_deref();
    let key = path.map(|path| from_file(path).map(|key| ClientSecret::new(key.as_str())));
    key.transpose()
}

fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let read = fs::read_to_string(path).map(Zeroizing::new);
    read.map_err(|error| {
        Failure::new(Exit::Usage, format!("`{}` cannot be read", path.display())).why(error)
    })
}

/// A key or token of the person's own; `what` it is.
pub(super) fn pasted(what: &str) -> Result<PastedSecret, Failure> {
    let text = from_stdin(what)?;
    let secret = PastedSecret::new(text.as_str());
    match secret.read(what) {
        Ok(_) => Ok(secret),
        Err(wrong) => Err(Failure::new(Exit::Usage, wrong.message).hint(wrong.hint)),
    }
}

fn from_stdin(what: &str) -> Result<Zeroizing<String>, Failure> {
    let stdin = io::stdin();
    let cannot = |error| Failure::new(Exit::Usage, "stdin cannot be read").why(error);
    if stdin.is_terminal() {
        return hidden::line(&format!("{what} (it is not shown): "));
    }
    // Reserved at once: growing would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_SECRET.into()));
    stdin
        .lock()
        .take(MAX_SECRET.into())
        .read_to_string(&mut text)
        .map_err(cannot)?;
    Ok(text)
}

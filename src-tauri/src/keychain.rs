//! Unlocks the keychain: asks the Secret Service, which asks the person. The agent itself never does,
//! so that no prompt appears out of the blue; here the person has clicked.

use std::time::Duration;

use tokio::time::timeout;
use valetkey_api::error::{ApiError, ErrorCode};
use zbus::blocking::{Connection, Proxy};
use zbus::zvariant::{OwnedObjectPath, OwnedValue};

const SERVICE: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";
/// The service says that there is nothing to ask, or no such collection.
const NONE: &str = "/";
/// For a person who types a password.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(5);

/// Returns once the default collection is unlocked.
pub(crate) async fn unlock() -> Result<(), Box<ApiError>> {
    let asked = timeout(ANSWER_TIMEOUT, tokio::task::spawn_blocking(ask)).await;
    let (message, reason) = match asked {
        Ok(Ok(Ok(true))) => return Ok(()),
        Ok(Ok(Ok(false))) => ("the keychain stays locked: the question was closed", None),
        Ok(Ok(Err(error))) => ("the keychain cannot be unlocked", Some(error.to_string())),
        Ok(Err(error)) => ("the keychain cannot be unlocked", Some(error.to_string())),
        Err(_elapsed) => (
            "the keychain stays locked: nobody answered the question",
            None,
        ),
    };
    let hint = "unlock it in your desktop's password manager (Passwords and Keys, KWallet)";
    let error = ApiError::new(ErrorCode::KeychainLocked, message).hint(hint);
    Err(match reason {
        Some(reason) => error.reason(format!("the Secret Service answered: {reason}")),
        None => error,
    }
    .into())
}

/// Whether it is unlocked now.
fn ask() -> zbus::Result<bool> {
    let bus = Connection::session()?;
    let service = Proxy::new(&bus, SERVICE, PATH, "org.freedesktop.Secret.Service")?;
    let collection: OwnedObjectPath = service.call("ReadAlias", &"default")?;
    if collection.as_str() == NONE {
        return Err(zbus::Error::Failure(
            "there is no default keyring".to_owned(),
        ));
    }
    let collections = vec![collection];
    let (_, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) =
        service.call("Unlock", &(collections,))?;
    if prompt.as_str() == NONE {
        return Ok(true);
    }
    let prompt = Proxy::new(&bus, SERVICE, prompt, "org.freedesktop.Secret.Prompt")?;
    let mut completed = prompt.receive_signal("Completed")?;
    let _: () = prompt.call("Prompt", &"")?;
    let Some(signal) = completed.next() else {
        return Ok(false);
    };
    let (dismissed, _): (bool, OwnedValue) = signal.body().deserialize()?;
    Ok(!dismissed)
}

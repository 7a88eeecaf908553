//! What `doctor` looks at beside the agent's own checks: the disk and the listeners.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use valetkey_agent::AuthenticatorView;
use valetkey_api::agent::{Check, CheckOutcome, PORT_REMEDY};
use valetkey_api::core::catalogue;
use valetkey_api::core::home::Home;

use crate::app::ListenAddresses;

/// As much as a change of the database may need.
const PROBE_BYTES: usize = 16 * 1024;

/// Whether the data folder can be written. A change waits for the disk, a read does not: without this a
/// full disk would be noticed by the next refresh.
pub(crate) fn disk(data: &Path) -> Check {
    let probe = data.join("doctor.probe");
    let written = write_probe(&probe);
    // Left behind, it would only be overwritten by the next probe.
    fs::remove_file(&probe).ok();
    let folder = data.display();
    let (outcome, message, hint) = match written {
        Ok(()) => (CheckOutcome::Ok, format!("`{folder}` is writable"), None),
        Err(error) if is_full(&error) => (
            CheckOutcome::Failed,
            format!("the disk of `{folder}` is full"),
            Some("free some space; nothing that was stored is lost"),
        ),
        Err(error) => (
            CheckOutcome::Failed,
            format!("`{folder}` cannot be written: {error}"),
            Some("make it writable for you, or set `VALETKEY_HOME` to another folder"),
        ),
    };
    Check {
        name: "disk".to_owned(),
        outcome,
        message,
        hint: hint.map(str::to_owned),
    }
}

fn write_probe(path: &Path) -> io::Result<()> {
    let mut probe = File::create(path)?;
    probe.write_all(&[0; PROBE_BYTES])?;
    probe.sync_data()
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// What is wrong with the person's own catalogue files; nothing is said where there are none.
pub(crate) fn own_providers(home: &Home) -> Option<Check> {
    let wrong = catalogue::wrong_files();
    let own = catalogue::providers()
        .into_iter()
        .filter(|it| it.is_own)
        .count();
    let folder = home.providers();
    let folder = folder.display();
    let (outcome, message, hint) = match (wrong, own) {
        ([], 0) => return None,
        ([], own) => {
            let message = format!("{own} of your own in `{folder}`");
            (CheckOutcome::Ok, message, None)
        }
        (wrong, _) => {
            let list: Vec<String> = wrong.iter().map(ToString::to_string).collect();
            let message = format!("not used in `{folder}`: {}", list.join("; "));
            let hint =
                "mend the file; it is read when the agent starts (`valetkey stop` ends this one)";
            (CheckOutcome::Warning, message, Some(hint))
        }
    };
    Some(Check {
        name: "providers".to_owned(),
        outcome,
        message,
        hint: hint.map(str::to_owned),
    })
}

/// Authenticators that keep their endpoints although the file of their provider names others.
pub(crate) fn changed_endpoints(all: &[AuthenticatorView]) -> Vec<Check> {
    let changed = all
        .iter()
        .filter(|view| view.authenticator.differs_from_file(view.provider));
    changed
        .map(|view| {
            let name = view.authenticator.full_name().argument();
            Check {
                name: "endpoints".to_owned(),
                outcome: CheckOutcome::Warning,
                message: format!(
                    "the file of `{}` names other endpoints than those that `{name}` uses",
                    view.provider.id
                ),
                hint: Some(format!(
                    "`valetkey show {name}` lists them; `valetkey update {name} --accept-endpoints` uses the file's"
                )),
            }
        })
        .collect()
}

/// Whether programs of this user find the socket.
pub(crate) fn socket(addresses: &ListenAddresses) -> Check {
    let path = addresses.socket.display();
    let (outcome, message, hint) = if addresses.socket.as_os_str().is_empty() {
        (CheckOutcome::Skipped, "none is open".to_owned(), None)
    } else if addresses.socket.exists() {
        (CheckOutcome::Ok, format!("`{path}` is open"), None)
    } else {
        let hint = "restart the agent: `valetkey serve`".to_owned();
        let message = format!("`{path}` was removed by another program");
        (CheckOutcome::Failed, message, Some(hint))
    };
    Check {
        name: "socket".to_owned(),
        outcome,
        message,
        hint,
    }
}

/// Whether holders of client keys are served.
pub(crate) fn port(addresses: &ListenAddresses) -> Check {
    let (outcome, message) = match (addresses.port, &addresses.port_problem) {
        (Some(port), _) => (CheckOutcome::Ok, format!("127.0.0.1:{port} is open")),
        (None, Some(problem)) => (CheckOutcome::Failed, problem.clone()),
        (None, None) => (CheckOutcome::Skipped, "none is open".to_owned()),
    };
    Check {
        name: "port".to_owned(),
        hint: (outcome == CheckOutcome::Failed).then(|| PORT_REMEDY.to_owned()),
        outcome,
        message,
    }
}

//! A vault in a process of its own, led by lines on its standard input.

use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::time::Duration;

use crate::fixture::event;
use jiff::Timestamp;
use uuid::Uuid;
use valetkey_core::account::Account;
use valetkey_core::authenticator::{Authenticator, Overrides};
use valetkey_core::connection::Connection;
use valetkey_core::connection_state::{Transition, apply};
use valetkey_core::grant::{Grant, GrantKind, TokenType};
use valetkey_core::home::Home;
use valetkey_core::id::{AuthenticatorId, ConnectionId, Generation};
use valetkey_core::name::ProfileName;
use valetkey_core::redirect::RedirectUri;
use valetkey_core::scope::Scopes;
use valetkey_core::secret::{AccessToken, RefreshToken};
use valetkey_core::stored_grant::StoredGrant;
use valetkey_tests::{Desktop, Running};
use valetkey_vault::{GrantNotKept, StoreChoice, StoreError, StoreOpener, Vault, VaultError};

const HOME: &str = "VALETKEY_DRIVER_HOME";
const CALL_TIMEOUT: Duration = Duration::from_secs(2);
const REPLY: &str = "reply: ";

/// The test's side.
pub(crate) struct Driver {
    process: Running,
    seen: usize,
}

impl Driver {
    pub(crate) fn start(desktop: &Desktop, home: &str) -> Self {
        let mut command = desktop.command(std::env::current_exe().unwrap());
        command
            .args(["--exact", "keyring::driver::child", "--nocapture"])
            .env(HOME, desktop.folder().join(home));
        let mut driver = Self {
            process: Running::start(&mut command),
            seen: 0,
        };
        assert_eq!(driver.ask("open"), "ok");
        driver
    }

    pub(crate) fn ask(&mut self, request: &str) -> String {
        self.process.write(&format!("{request}\n"));
        let find = |line: &valetkey_tests::process::Line| {
            line.text
                .split_once(REPLY)
                .map(|(_, reply)| reply.to_owned())
        };
        let (seen, reply) = self.process.wait_from(self.seen, request, find);
        self.seen = seen;
        reply
    }

    pub(crate) fn ask_until(&mut self, request: &str, reply: &str) {
        valetkey_tests::wait::until(reply, || (self.ask(request) == reply).then_some(()));
    }
}

/// The child's side; does nothing when it is run as a test.
#[tokio::test]
async fn child() {
    let Some(home) = std::env::var_os(HOME) else {
        return;
    };
    let home = Home::at(Path::new(&home));
    let store = StoreOpener::from(StoreChoice::Keychain).time_limit(CALL_TIMEOUT);
    let vault = Vault::open(&home, store).await.unwrap();
    let github = match vault.authenticators(None).await.unwrap().pop() {
        Some(github) => github,
        None => authenticator(),
    };
    // Fails only where it is there already.
    drop(vault.add_authenticator(&github, None, &event()).await);
    for request in std::io::stdin().lock().lines() {
        let request = request.unwrap();
        let reply = answer(&vault, &github, &request)
            .await
            .unwrap_or_else(|error| kind(&error));
        let mut out = std::io::stdout().lock();
        writeln!(out, "{REPLY}{reply}").unwrap();
        out.flush().unwrap();
    }
}

async fn answer(
    vault: &Vault,
    github: &Authenticator,
    request: &str,
) -> Result<String, VaultError> {
    let (verb, rest) = request.split_once(' ').unwrap_or((request, ""));
    let id = || rest.parse::<ConnectionId>().unwrap();
    let done = |()| "ok".to_owned();
    let row = async || {
        vault
            .connection(id())
            .await?
            .ok_or(VaultError::NotFound(rest.to_owned()))
    };
    match verb {
        "open" => Ok("ok".to_owned()),
        "check" => Ok(vault.check_store().await.map(done)?),
        "probe" => Ok(vault
            .probe_store()
            .await
            .map(done)
            .map_err(|(_, error)| error)?),
        "first" => {
            let label = (rest != "none").then(|| rest.parse().unwrap());
            let account = Account {
                label,
                ..Account::default()
            };
            let id = ConnectionId::new(Uuid::now_v7());
            let scopes = Scopes::default();
            let row = Connection::connecting(id, github.id, account, scopes, Timestamp::now());
            let stored = vault
                .store_first_grant(&row, &stored(github, &row, Generation(1)), &event())
                .await;
            stored.map(|(row, _)| row.id.to_string()).map_err(cause)
        }
        "refresh" => {
            let mut row = row().await?;
            let from = row.state.generation;
            let item = stored(github, &row, from.next());
            row.adopt(&item.grant);
            row.state.generation = from;
            row.state = apply(row.state, Transition::Refreshed { from }).unwrap();
            vault
                .store_grant(&row, &item, None)
                .await
                .map(|_| done(()))
                .map_err(cause)
        }
        "load" => {
            let loaded = vault.load_grant(id(), Timestamp::now()).await?;
            Ok(match loaded.grant {
                Some(stored) => format!("generation {}", stored.grant.generation),
                None => "lost".to_owned(),
            })
        }
        "remove" => {
            let mut row = row().await?;
            row.state = apply(row.state, Transition::Disconnected).unwrap();
            vault.begin_removal(&row, None).await?;
            vault.finish_removal(row.id, None).await.map(|_| done(()))
        }
        "reconcile" => {
            let report = vault.reconcile(Timestamp::now()).await?;
            let adopted: Vec<_> = report
                .adopted
                .iter()
                .map(|row| row.id.to_string())
                .collect();
            Ok(match report.deferred {
                Some(error) => format!("deferred: {}", kind(&error)),
                None => format!("adopted {}", adopted.join(" ")),
            })
        }
        other => panic!("unknown request {other}"),
    }
}

fn cause(error: GrantNotKept) -> VaultError {
    match error {
        GrantNotKept::NotStored(error) | GrantNotKept::RowNotSaved(error) => error,
        GrantNotKept::StaleTransition => VaultError::Bug("too late".to_owned()),
    }
}

fn kind(error: &VaultError) -> String {
    match error {
        VaultError::Store(StoreError::Locked(_)) => "locked".to_owned(),
        VaultError::Store(StoreError::Unavailable(_)) => "unavailable".to_owned(),
        VaultError::Store(StoreError::Hung) => "hung".to_owned(),
        VaultError::NotFound(_) => "not found".to_owned(),
        other => other.to_string().replace('\n', " "),
    }
}

fn stored(authenticator: &Authenticator, row: &Connection, generation: Generation) -> StoredGrant {
    StoredGrant {
        connection: row.id,
        account: row.account.clone(),
        authenticator: authenticator.clone(),
        proxy: row.proxy.clone(),
        grant: Grant {
            kind: GrantKind::OAuth,
            generation,
            access_token: AccessToken::new("a".repeat(1_500)),
            grant_type: valetkey_core::authenticator::GrantType::default(),
            refresh_token: Some(RefreshToken::new("refresh")),
            id_token: None,
            token_type: TokenType::Bearer,
            dpop_key: None,
            issued_at: Timestamp::now(),
            issued_boot_time: None,
            expires_at: None,
            refresh_expires_at: None,
            scopes: Scopes::default(),
        },
    }
}

fn authenticator() -> Authenticator {
    Authenticator {
        id: AuthenticatorId::new(Uuid::now_v7()),
        profile: ProfileName::default(),
        name: "github".parse().unwrap(),
        display_name: "GitHub".to_owned(),
        provider: "github".to_owned(),
        client_id: "client-1".to_owned(),
        has_secret: false,
        scopes: Scopes::default(),
        redirect_uri: RedirectUri::ephemeral(),
        overrides: Overrides::default(),
        is_active: true,
        created_at: Timestamp::now(),
        updated_at: Timestamp::now(),
    }
}

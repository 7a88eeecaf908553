//! The process is killed at every failpoint, each time it is passed; the next start must find
//! every login that was ever reported as stored, and nothing else.
//!
//! The test starts itself as the child that is to die. After each step the child notes in a file
//! what it was told; the parent reads these promises and holds the next start to them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use jiff::SignedDuration;
use uuid::Uuid;
use valetkey_core::authenticator::Authenticator;
use valetkey_core::connection_state::{Status, Transition};
use valetkey_core::draft::SecretChange;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::home::Home;
use valetkey_core::id::{AuthenticatorId, ConnectionId, SignInId};
use valetkey_core::secret::{ClientSecret, RefreshToken};
use valetkey_core::token_import::TokenImport;
use valetkey_vault::store::{Cost, FileStore};
use valetkey_vault::{Durability, FileKey, ItemName, SecretStore, StoreOpener, Vault};
use zeroize::Zeroizing;

use crate::fixture::{after, authenticator, connecting, now, refreshed, stored};

const HOME: &str = "VALETKEY_CRASH_TEST_HOME";
const ABORT_AT: &str = "VALETKEY_ABORT_AT";

#[tokio::test]
async fn a_crash_between_any_two_steps_loses_no_login() {
    if let Some(home) = std::env::var_os(HOME) {
        return Box::pin(a_life(&Home::at(Path::new(&home)))).await;
    }
    let names = failpoints();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        let mut passage = 1;
        while die_at(&format!("{name}#{passage}")).await {
            passage += 1;
        }
        assert!(passage > 1, "the child never passes `{name}`");
    }
}

/// Runs the child until it aborts there, and checks what the next start finds. False if the child
/// came to its end.
async fn die_at(place: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(&folder.path().join("home"));
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crash::a_crash_between_any_two_steps_loses_no_login",
        ])
        .env(HOME, &home.data)
        .env(ABORT_AT, place)
        .output()
        .unwrap();
    if !output.status.success() {
        let aborted = output.status.code().is_none();
        assert!(
            aborted,
            "{place}: {}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
    check(&home, place).await;
    !output.status.success()
}

/// Everything that writes, once or more.
async fn a_life(home: &Home) {
    let promise = |what: &str, id: Uuid, generation: u64| {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(home.data.join("promises"))
            .unwrap();
        writeln!(file, "{what} {id} {generation}").unwrap();
    };
    let vault = Vault::open(home, store(home)).await.unwrap();
    vault.reconcile(now()).await.unwrap();
    let github = Authenticator {
        has_secret: true,
        ..authenticator("github")
    };
    let secret = ClientSecret::new("one");
    vault
        .add_authenticator(&github, Some(&secret), &added(github.id))
        .await
        .unwrap();
    let custom = authenticator("custom");
    vault
        .add_authenticator(&custom, None, &added(custom.id))
        .await
        .unwrap();

    let mut rows = Vec::new();
    for label in [None, Some("work"), Some("home")] {
        let row = connecting(&github, label);
        let event = Event::new(EventKind::ConnectionAdded, now()).connection(row.id);
        let (row, _) = vault
            .store_first_grant(&row, &stored(&github, &row, 1), &event)
            .await
            .unwrap();
        promise("kept", row.id.uuid(), 1);
        let (row, grant) = refreshed(&github, &row);
        vault.store_grant(&row, &grant, None).await.unwrap();
        promise("kept", row.id.uuid(), 2);
        rows.push(row);
    }
    let set = |secret| SecretChange::Set(ClientSecret::new(secret));
    let changes = [
        (&github, set("two")),
        (&custom, set("x")),
        (&custom, SecretChange::Remove),
        (&custom, set("y")),
    ];
    for (row, change) in changes {
        let event = Event::new(EventKind::AuthenticatorUpdated, now());
        let updated = vault.update_authenticator(row, Some(change), &event);
        updated.await.unwrap();
    }
    let removed = Event::new(EventKind::AuthenticatorRemoved, now()).authenticator(custom.id);
    let begun = vault.begin_authenticator_removal(custom.id, &removed);
    begun.await.unwrap();
    let finished = vault.finish_authenticator_removal(custom.id);
    finished.await.unwrap();

    an_import(&vault, &github, promise).await;

    let removing = after(&rows[2], Transition::Disconnected);
    promise("going", removing.id.uuid(), 0);
    vault.begin_removal(&removing, None).await.unwrap();
    let removed = Event::new(EventKind::ConnectionRemoved, now()).connection(removing.id);
    let finished = vault.finish_removal(removing.id, Some(&removed));
    finished.await.unwrap();
    promise("gone", removing.id.uuid(), 0);

    // The log: written, anchored, pruned.
    vault.open_log_chain(now()).await.unwrap();
    let second = SignedDuration::from_secs(1);
    for number in 0..3 {
        let at = now() + second * number;
        let lines = vec![Event::new(EventKind::TokenServed, at); 300];
        let written = vault.append_events(lines, Vec::new(), Vec::new(), Durability::Deferred);
        written.await.unwrap();
        vault.anchor_log(now()).await.unwrap();
    }
    let end = now() + second * 2;
    vault.prune_events(end, end).await.unwrap();

    // A refresh that never came back, met by the next start; then a lost database.
    let refreshing = after(&rows[0], Transition::RefreshBegan);
    vault.save_connection(&refreshing).await.unwrap();
    vault.close().await.unwrap();
    let vault = Vault::open(home, store(home)).await.unwrap();
    vault.reconcile(now()).await.unwrap();
    vault.close().await.unwrap();
    promise("lost", Uuid::nil(), 0);
    fs::remove_file(home.database()).unwrap();
    let vault = Vault::open(home, store(home)).await.unwrap();
    vault.reconcile(now()).await.unwrap();
}

/// A refresh token that is given: kept, rotated, and over.
async fn an_import(
    vault: &Vault,
    authenticator: &Authenticator,
    promise: impl Fn(&str, Uuid, u64),
) {
    let mut import = TokenImport {
        id: SignInId::new(Uuid::from_u128(1)),
        authenticator: authenticator.clone(),
        account: None,
        replace: false,
        token: RefreshToken::new("given"),
        is_rotated: false,
        moved_from: None,
        begun_at: now(),
    };
    let begun = vault.begin_token_import(&import).await.unwrap();
    assert!(begun.is_none(), "it was not given before");
    promise("given", import.id.uuid(), 0);
    import.token = RefreshToken::new("rotated");
    vault.save_token_import(&import).await.unwrap();
    promise("given", import.id.uuid(), 1);
    promise("over", import.id.uuid(), 0);
    vault.end_token_import(import.id, None).await.unwrap();
}

async fn check(home: &Home, place: &str) {
    let promises = fs::read_to_string(home.data.join("promises")).unwrap_or_default();
    let mut kept = BTreeMap::new();
    let mut gone = BTreeSet::new();
    let mut log_is_lost = false;
    let mut given = None;
    for promise in promises.lines() {
        let words: Vec<_> = promise.split(' ').collect();
        let id: ConnectionId = words[1].parse().unwrap();
        match words[0] {
            "given" => given = Some(words[2] == "1"),
            "over" => given = None,
            "kept" => drop(kept.insert(id, words[2].parse::<u64>().unwrap())),
            // From here on either outcome is right, until it is reported.
            "lost" => log_is_lost = true,
            "going" => drop(kept.remove(&id)),
            _ => drop(gone.insert(id)),
        }
    }

    let vault = Vault::open(home, store(home)).await.unwrap();
    let report = vault.reconcile(now()).await.unwrap();
    assert_eq!(report.deferred, None, "{place}");
    for row in report.removing {
        let removed = Event::new(EventKind::ConnectionRemoved, now()).connection(row.id);
        let finished = vault.finish_removal(row.id, Some(&removed));
        finished.await.unwrap();
    }
    let mut held = None;
    for id in vault.pending_token_imports().await.unwrap() {
        held = vault.token_import(id).await.unwrap();
        vault.end_token_import(id, None).await.unwrap();
    }
    if let Some(is_rotated) = given {
        let held = held.unwrap_or_else(|| panic!("{place}: the given token is lost"));
        let token = held.token.expose();
        assert!(token == "rotated" || !is_rotated, "{place}: {token}");
    }
    for (id, generation) in &kept {
        let loaded = vault.load_grant(*id, now()).await.unwrap().grant;
        let found = loaded
            .unwrap_or_else(|| panic!("{place}: {id} is lost"))
            .grant
            .generation;
        assert!(found.0 >= *generation, "{place}: {id} went back to {found}");
    }
    let rows = vault.connections().await.unwrap();
    for row in &rows {
        assert_eq!(row.state.status, Status::Active, "{place}: {row:?}");
        assert!(!gone.contains(&row.id), "{place}: {} came back", row.id);
    }
    if !log_is_lost {
        check_events(&vault, place).await;
    }
    let log = vault.check_log(now()).await.unwrap();
    assert!(log.problems.is_empty() || log_is_lost, "{place}: {log:?}");
    let authenticators = vault.authenticators(None).await.unwrap();
    let mut wanted: BTreeSet<_> = rows.iter().map(|row| ItemName::Grant(row.id)).collect();
    let confidential = authenticators.iter().filter(|row| row.has_secret);
    wanted.insert(ItemName::AuditLog);
    wanted.extend(confidential.map(|row| ItemName::ClientSecret(row.id)));
    let found: BTreeSet<_> = file_store(home).list().unwrap().into_iter().collect();
    assert_eq!(found, wanted, "{place}: items and rows differ");
}

/// What is there was added, and what was added and is not there was removed, each by one event.
async fn check_events(vault: &Vault, place: &str) {
    let (mut connections, mut authenticators) = (BTreeSet::new(), BTreeSet::new());
    for (_, event) in vault.unlogged_events().await.unwrap() {
        let is_new = match event.kind {
            EventKind::ConnectionAdded => connections.insert(event.connection.unwrap()),
            EventKind::ConnectionRemoved => connections.remove(&event.connection.unwrap()),
            EventKind::AuthenticatorAdded => authenticators.insert(event.authenticator.unwrap()),
            EventKind::AuthenticatorRemoved => authenticators.remove(&event.authenticator.unwrap()),
            _ => true,
        };
        assert!(is_new, "{place}: twice {event:?}");
    }
    let rows = vault.connections().await.unwrap();
    let there: BTreeSet<_> = rows.iter().map(|row| row.id).collect();
    assert_eq!(connections, there, "{place}");
    let rows = vault.authenticators(None).await.unwrap();
    let there: BTreeSet<_> = rows.iter().map(|row| row.id).collect();
    assert_eq!(authenticators, there, "{place}");
}

fn added(id: AuthenticatorId) -> Event {
    Event::new(EventKind::AuthenticatorAdded, now()).authenticator(id)
}

fn file_store(home: &Home) -> FileStore {
    let key = FileKey::Passphrase(Zeroizing::new("p".to_owned()));
    FileStore::open(
        &home.secret_file(),
        &key,
        Cost {
            memory: 8,
            passes: 1,
            lanes: 1,
        },
    )
    .unwrap()
}

fn store(home: &Home) -> StoreOpener {
    let home = home.clone();
    StoreOpener::new(move |_, _| Ok(Box::new(file_store(&home))))
}

/// Every name in the sources, so that no new one is forgotten here. Those of the file store have a
/// test of their own.
fn failpoints() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vault");
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        names.extend(failpoints_in(&entry.unwrap().path()));
    }
    names
}

/// The names in one source file.
pub(crate) fn failpoints_in(source: &Path) -> BTreeSet<String> {
    let source = fs::read_to_string(source).unwrap();
    let rests = source.split("failpoint!(\"").skip(1);
    rests
        .map(|rest| rest.split('"').next().unwrap_or_default().to_owned())
        .collect()
}

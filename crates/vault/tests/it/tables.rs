//! What is kept beside logins: events, sign-ins, client keys, settings.

use jiff::SignedDuration;
use uuid::Uuid;
use valetkey_core::access::{Rule, Usage, Verdict};
use valetkey_core::account::Subject;
use valetkey_core::actor::Actor;
use valetkey_core::connection::{KeepWarm, RefreshError, RefreshErrorKind};
use valetkey_core::connection_state::Transition;
use valetkey_core::event::{Event, EventId, EventKind};
use valetkey_core::id::{ClientKeyId, ConnectionId, RuleId};
use valetkey_core::program::{Client, Code};
use valetkey_core::proxy_settings::{Methods, ProxySettings};
use valetkey_core::scope::Scopes;
use valetkey_core::secret::Fingerprint;
use valetkey_core::sign_in::{Remedy, SignInState};
use valetkey_vault::store::MemoryStore;
use valetkey_vault::vault::ProbeStep;
use valetkey_vault::{
    ClientKeyRow, Durability, EventFilter, ItemName, SecretStore, SignInRow, StoreError,
    StoreOpener, Vault, VaultError,
};
use zeroize::Zeroizing;

use crate::fixture::{Fixture, after, event, home, now, open_sign_in};

#[tokio::test]
async fn a_connection_keeps_every_field() {
    let fixture = Fixture::connected().await;
    let mut row = fixture.row.clone();
    row.account.display_name = None;
    row.account.label = Some("wörk@x".parse().unwrap());
    row.account.subject = Some(Subject {
        issuer: "https://i".into(),
        sub: "42".into(),
    });
    row.expires_at = None;
    row.refresh_expires_at = Some("9999-12-30T22:00:00.999999999Z".parse().unwrap());
    row.used_at = Some("1970-01-01T00:00:00.000000001Z".parse().unwrap());
    row.keep_warm = KeepWarm::OnDemand;
    row.proxy = ProxySettings {
        only: true,
        methods: Some(Methods::parse(&["GET".to_owned()]).unwrap()),
    };
    row.refresh_error = Some(RefreshError {
        kind: RefreshErrorKind::Later,
        reason: "HTTP 503".into(),
        at: now(),
        since: now(),
        attempts: 3,
        retry_at: Some(now()),
        not_before: None,
    });
    fixture.vault.save_connection(&row).await.unwrap();
    assert_eq!(fixture.vault.connections().await.unwrap(), [row]);
}

#[tokio::test]
async fn reads_are_logged_and_a_use_never_moves_back() {
    let fixture = Fixture::connected().await;
    let later = now() + SignedDuration::from_secs(5);
    let read = Event::new(EventKind::TokenServed, now()).connection(fixture.row.id);
    let uses = vec![(fixture.row.id, later), (fixture.row.id, now())];
    let newest = fixture
        .vault
        .append_events([read.clone()], uses, Vec::new(), Durability::Deferred)
        .await
        .unwrap();
    assert_eq!(
        fixture.vault.events(EventFilter::default()).await.unwrap(),
        [(newest, read)]
    );
    assert_eq!(fixture.saved().await.used_at, Some(later));
}

#[tokio::test]
async fn events_are_read_by_what_they_are_about() {
    let fixture = Fixture::connected().await;
    let about = |kind| {
        Event::new(kind, now())
            .connection(fixture.row.id)
            .actor(Actor::parse("process 1"))
    };
    let batch = vec![
        Event::new(EventKind::AgentStarted, now()),
        about(EventKind::TokenServed).detail(serde_json::json!({"scopes": ["a"]})),
        about(EventKind::ConnectionRefreshed),
        Event::new(
            EventKind::AgentStopped,
            now() + SignedDuration::from_secs(9),
        ),
    ];
    assert_eq!(
        fixture
            .vault
            .append_events(batch.clone(), Vec::new(), Vec::new(), Durability::Durable)
            .await
            .unwrap(),
        EventId(4)
    );
    let read = async |filter| {
        let events = fixture.vault.events(filter).await.unwrap();
        events.into_iter().map(|(id, _)| id.0).collect::<Vec<_>>()
    };
    let all = EventFilter::default;
    let stored = fixture.vault.events(all()).await.unwrap();
    assert_eq!(
        stored
            .into_iter()
            .map(|(_, event)| event)
            .collect::<Vec<_>>(),
        batch
    );
    assert_eq!(read(EventFilter { limit: 2, ..all() }).await, [3, 4]);
    assert_eq!(
        read(EventFilter {
            after: Some(EventId(1)),
            limit: 2,
            ..all()
        })
        .await,
        [2, 3]
    );
    assert_eq!(
        read(EventFilter {
            connection: Some(fixture.row.id),
            ..all()
        })
        .await,
        [2, 3]
    );
    let kinds = vec![EventKind::AgentStarted, EventKind::TokenServed];
    assert_eq!(read(EventFilter { kinds, ..all() }).await, [1, 2]);
}

#[tokio::test]
async fn events_older_than_the_retention_are_pruned_and_their_ids_not_used_again() {
    let fixture = Fixture::connected().await;
    let old = Event::new(EventKind::TokenServed, now()).connection(fixture.row.id);
    let later = now() + SignedDuration::from_secs(1);
    let kept = Event::new(EventKind::AgentStopped, later);
    // More than one step of the pruning.
    let batch = [vec![old; 1200], vec![kept.clone()]].concat();
    let newest = fixture
        .vault
        .append_events(batch, Vec::new(), Vec::new(), Durability::Deferred)
        .await
        .unwrap();
    assert_eq!(fixture.vault.prune_events(now(), later).await.unwrap(), 0);
    assert_eq!(
        fixture.vault.prune_events(later, later).await.unwrap(),
        1200
    );
    let left = fixture.vault.events(EventFilter::default()).await.unwrap();
    assert_eq!(left, [(newest, kept.clone())]);
    let end = later + SignedDuration::from_secs(1);
    assert_eq!(fixture.vault.prune_events(end, end).await.unwrap(), 1);
    let next = fixture
        .vault
        .append_events(vec![kept], Vec::new(), Vec::new(), Durability::Durable)
        .await
        .unwrap();
    assert_eq!(next, EventId(newest.0 + 1));
}

/// As a list does while a refresh is being stored on a slow disk.
#[tokio::test]
async fn lists_of_events_do_not_queue_behind_writes() {
    let fixture = Fixture::connected().await;
    let stuck = rusqlite::Connection::open(fixture.home.database()).unwrap();
    stuck.execute_batch("BEGIN IMMEDIATE").unwrap();
    let write = {
        let vault = fixture.vault.clone();
        let event = Event::new(EventKind::AgentStarted, now());
        tokio::spawn(async move {
            vault
                .append_events(vec![event], Vec::new(), Vec::new(), Durability::Durable)
                .await
        })
    };
    tokio::task::yield_now().await;
    let listed = fixture.vault.events(EventFilter::default()).await.unwrap();
    assert_eq!(listed, []);
    assert!(!write.is_finished());
    stuck.execute_batch("ROLLBACK").unwrap();
    write.await.unwrap().unwrap();
    let listed = fixture.vault.events(EventFilter::default()).await.unwrap();
    assert_eq!(listed.len(), 1);
}

#[tokio::test]
async fn open_sign_ins_end_with_the_process_that_ran_them() {
    let fixture = Fixture::connected().await;
    let done = SignInRow {
        renews: Some(fixture.row.id),
        state: SignInState::Failed(()),
        problem: Some("the provider refuses the client".to_owned()),
        remedy: Some(Remedy::FixClient),
        hint: Some("mend it there".to_owned()),
        ended_at: Some(now()),
        ..open_sign_in(&fixture)
    };
    let open = open_sign_in(&fixture);
    fixture.vault.save_sign_in(&done).await.unwrap();
    fixture.vault.save_sign_in(&open).await.unwrap();
    let fixture = fixture.restarted().await;
    let report = fixture.vault.reconcile(now()).await.unwrap();
    let [ended] = &report.interrupted_sign_ins[..] else {
        panic!("{report:?}")
    };
    assert_eq!(
        (ended.id, ended.state, ended.ended_at),
        (open.id, SignInState::Failed(()), Some(now()))
    );
    let stored = fixture.vault.sign_ins(10).await.unwrap();
    assert!(stored.contains(&done) && stored.contains(ended) && stored.len() == 2);
}

#[tokio::test]
async fn client_keys_are_added_listed_used_and_revoked() {
    let fixture = Fixture::connected().await;
    let key = ClientKeyRow {
        id: ClientKeyId::new(Uuid::now_v7()),
        name: "ci".into(),
        hash: Fingerprint::of("vk_1"),
        connections: Some(vec![fixture.row.id]),
        manage: false,
        created_at: now(),
        expires_at: Some(now()),
        used_at: None,
        confirmed: false,
    };
    fixture.vault.add_client_key(&key, &event()).await.unwrap();
    let twin = ClientKeyRow {
        id: ClientKeyId::new(Uuid::now_v7()),
        connections: None,
        ..key.clone()
    };
    let taken = fixture.vault.add_client_key(&twin, &event()).await;
    assert!(matches!(taken, Err(VaultError::NameTaken(_))));
    fixture
        .vault
        .mark_keys_used(vec![(key.id, now())])
        .await
        .unwrap();
    fixture
        .vault
        .confirm_client_key(key.id, &event())
        .await
        .unwrap();
    let used = ClientKeyRow {
        confirmed: true,
        used_at: Some(now()),
        ..key
    };
    assert_eq!(
        fixture.vault.client_keys().await.unwrap(),
        std::slice::from_ref(&used)
    );
    fixture
        .vault
        .revoke_client_key(used.id, &event())
        .await
        .unwrap();
    let gone = fixture.vault.revoke_client_key(used.id, &event()).await;
    assert!(matches!(gone, Err(VaultError::NotFound(_))));
    let gone = fixture.vault.confirm_client_key(used.id, &event()).await;
    assert!(matches!(gone, Err(VaultError::NotFound(_))));
}

fn rule(connection: ConnectionId) -> Rule {
    let code = Code::Script {
        interpreter: "/usr/bin/python3".into(),
        options: vec!["-u".into()],
        path: "/home/me/my report.py".into(),
    };
    Rule {
        id: RuleId::new(Uuid::now_v7()),
        client: Client {
            code: code.clone(),
            through: vec!["/usr/bin/git".into()],
            application: Some(Box::new(code)),
        },
        project: Some("/home/me/work".into()),
        connection,
        usage: Usage::Proxy,
        verdict: Verdict::Deny,
        scopes: Scopes::parse_any("read write"),
        narrowed: true,
        created_at: now(),
        ends_at: Some(now()),
        used_at: None,
        confirmed: false,
    }
}

#[tokio::test]
async fn rules_are_kept_replaced_and_end_with_their_connection() {
    let fixture = Fixture::connected().await;
    let vault = &fixture.vault;
    let first = rule(fixture.row.id);
    vault
        .add_rule(first.clone(), Vec::new(), &event())
        .await
        .unwrap();
    vault.mark_rule_used(first.id, now()).await.unwrap();
    vault.confirm_rule(first.id, &event()).await.unwrap();
    let changed = Rule {
        used_at: Some(now()),
        confirmed: true,
        ..first.clone()
    };
    assert_eq!(vault.rules().await.unwrap(), [changed]);
    let second = rule(fixture.row.id);
    vault
        .add_rule(second.clone(), vec![first.id], &event())
        .await
        .unwrap();
    assert_eq!(vault.rules().await.unwrap(), std::slice::from_ref(&second));
    let removing = after(&fixture.row, Transition::Disconnected);
    vault.begin_removal(&removing, None).await.unwrap();
    vault.finish_removal(removing.id, None).await.unwrap();
    assert_eq!(vault.rules().await.unwrap(), []);
    let orphan = vault.add_rule(second, Vec::new(), &event()).await;
    assert!(orphan.is_err(), "its connection is gone");
}

#[tokio::test]
async fn settings_are_kept_replaced_and_removed() {
    let fixture = Fixture::connected().await;
    for value in [Some("a"), Some("b"), None] {
        fixture.vault.set_setting("browser", value).await.unwrap();
        assert_eq!(
            fixture.vault.setting("browser").await.unwrap().as_deref(),
            value
        );
    }
}

#[tokio::test]
async fn a_store_is_probed_without_a_trace() {
    let fixture = Fixture::connected().await;
    fixture.vault.probe_store().await.unwrap();
    assert_eq!(fixture.store.items(), [fixture.item()]);
    fixture.vault.integrity().await.unwrap();
    assert!(fixture.vault.versions().await.unwrap().schema >= 7);
}

/// A store that fails at one step.
struct FailsAt(ProbeStep, MemoryStore);

impl FailsAt {
    fn at(&self, step: ProbeStep) -> Result<(), StoreError> {
        let failed = || StoreError::Broken("test".to_owned());
        (self.0 != step).then_some(()).ok_or_else(failed)
    }
}

impl SecretStore for FailsAt {
    fn check(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn read(&mut self, item: &ItemName) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.at(ProbeStep::Read)?;
        self.1.read(item)
    }

    fn write(&mut self, item: &ItemName, value: &[u8]) -> Result<(), StoreError> {
        self.at(ProbeStep::Write)?;
        self.1.write(item, value)
    }

    fn delete(&mut self, item: &ItemName) -> Result<(), StoreError> {
        self.at(ProbeStep::Delete)?;
        self.1.delete(item)
    }

    fn list(&mut self) -> Result<Vec<ItemName>, StoreError> {
        self.1.list()
    }
}

#[tokio::test]
async fn a_probe_names_the_step_that_failed() {
    for step in [ProbeStep::Write, ProbeStep::Read, ProbeStep::Delete] {
        let (_folder, home) = home();
        let store =
            StoreOpener::new(move |_, _| Ok(Box::new(FailsAt(step, MemoryStore::default()))));
        let vault = Vault::open(&home, store).await.unwrap();
        let (at, _) = vault.probe_store().await.unwrap_err();
        assert_eq!(at, step);
    }
}

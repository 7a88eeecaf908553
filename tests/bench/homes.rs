//! Homes with many connections: how long until ready, how long a list takes, how much memory.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;
use valetkey_core::account::{Account, Subject};
use valetkey_core::authenticator::{Authenticator, GrantType, Overrides};
use valetkey_core::connection::Connection;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::grant::{Grant, GrantKind, TokenType};
use valetkey_core::home::Home;
use valetkey_core::id::{AuthenticatorId, ConnectionId, Generation};
use valetkey_core::name::ProfileName;
use valetkey_core::redirect::RedirectUri;
use valetkey_core::scope::Scopes;
use valetkey_core::secret::{AccessToken, RefreshToken};
use valetkey_core::stored_grant::StoredGrant;
use valetkey_vault::{Durability, StoreChoice, Vault};

use crate::environment::{Agent, Sizes};
use crate::memory;
use crate::report::Report;
use crate::statistics::median;

/// Half a minute after the last request an agent gives free memory back.
const IDLE: Duration = Duration::from_secs(35);

/// Measures one home with `count` connections.
pub(crate) fn measure(count: usize, sizes: &Sizes, report: &mut Report) {
    let folder = TempDir::new().expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .expect("a runtime")
        .block_on(fill(&Home::at(folder.path()), count));

    let mut starts: Vec<Duration> = Vec::new();
    let mut agent = None;
    for _ in 0..5 {
        drop(agent.take());
        let start = Instant::now();
        agent = Some(Agent::start(folder.path()));
        starts.push(start.elapsed());
    }
    let agent = agent.expect("started above");
    let budget = (count == 10_000).then_some(300.0);
    report.figure(
        &format!("start with {count} connections, until ready"),
        median(&mut starts) / 1e3,
        "ms",
        budget,
    );

    let mut lists: Vec<Duration> = (0..20)
        .map(|_| {
            let start = Instant::now();
            let list = agent.ask("GET", "/api/v1/credentials/connections", &Value::Null);
            assert_eq!(list["connections"].as_array().map(Vec::len), Some(count));
            start.elapsed()
        })
        .collect();
    report.figure(
        &format!("list of {count} connections"),
        median(&mut lists) / 1e3,
        "ms",
        None,
    );
    if sizes.homes.len() > 2 && count == 1_000 {
        std::thread::sleep(IDLE);
        let what = "agent with 1,000 connections, idle after these lists";
        memory::measure(what, agent.pid(), 16.0, report);
    }
}

async fn fill(home: &Home, count: usize) {
    let vault = Vault::open(home, StoreChoice::Memory)
        .await
        .expect("a vault");
    let now = Timestamp::now();
    vault.reconcile(now).await.expect("an empty home");
    let authenticator = authenticator(now);
    let event = |kind| Event::new(kind, now);
    vault
        .add_authenticator(&authenticator, None, &event(EventKind::AuthenticatorAdded))
        .await
        .expect("a new authenticator");
    for n in 0..count {
        let id = ConnectionId::new(Uuid::from_u128(1 + n as u128));
        let account = Account {
            label: (n > 0).then(|| format!("account-{n}").parse().expect("a label")),
            display_name: Some(format!("account-{n}@example.com")),
            subject: Some(Subject {
                issuer: "bench".to_owned(),
                sub: n.to_string(),
            }),
        };
        let row = Connection::connecting(
            id,
            authenticator.id,
            account.clone(),
            Scopes::default(),
            now,
        );
        let stored = StoredGrant {
            connection: id,
            account,
            authenticator: authenticator.clone(),
            proxy: row.proxy.clone(),
            grant: grant(n, now),
        };
        vault
            .store_first_grant(&row, &stored, &event(EventKind::ConnectionAdded))
            .await
            .expect("memory takes it");
    }
    log_all(&vault).await;
    vault.close().await.expect("closed in good order");
}

/// Else the start that is measured would write them all.
async fn log_all(vault: &Vault) {
    let unlogged = vault.unlogged_events().await.expect("they are readable");
    let (stored, events): (Vec<_>, Vec<_>) = unlogged.into_iter().unzip();
    let logged = vault.append_events(events, Vec::new(), stored, Durability::Durable);
    logged.await.expect("the disk takes them");
}

fn authenticator(now: Timestamp) -> Authenticator {
    Authenticator {
        id: AuthenticatorId::new(Uuid::from_u128(7)),
        profile: ProfileName::default(),
        name: "many".parse().expect("a name"),
        display_name: "Many".to_owned(),
        provider: "github".to_owned(),
        client_id: "bench".to_owned(),
        has_secret: false,
        scopes: Scopes::default(),
        redirect_uri: RedirectUri::ephemeral(),
        overrides: Overrides::default(),
        is_active: true,
        created_at: now,
        updated_at: now,
    }
}

fn grant(n: usize, now: Timestamp) -> Grant {
    Grant {
        grant_type: GrantType::default(),
        kind: GrantKind::OAuth,
        generation: Generation(1),
        access_token: AccessToken::new(format!("access-{n}")),
        refresh_token: Some(RefreshToken::new(format!("refresh-{n}"))),
        id_token: None,
        token_type: TokenType::Bearer,
        dpop_key: None,
        issued_at: now,
        issued_boot_time: None,
        expires_at: now.checked_add(SignedDuration::from_hours(8)).ok(),
        refresh_expires_at: None,
        scopes: Scopes::default(),
    }
}

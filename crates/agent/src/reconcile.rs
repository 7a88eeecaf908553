//! Takes over what `Vault::reconcile` found: at start, or later if the keychain was locked then.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;
use valetkey_core::event::{Event, EventKind};
use valetkey_vault::ReconcileReport;

use crate::disconnect;
use crate::state::Inner;

/// Reconciles what the start had to put off. Called by the scheduler until it succeeds.
pub(crate) async fn retry(inner: &Arc<Inner>) {
    let Ok(report) = inner.vault.reconcile(inner.now()).await else {
        return;
    };
    if report.deferred.is_some() && report.changed_nothing() {
        return;
    }
    inner.reconcile_pending.store(false, Ordering::SeqCst);
    apply(inner, report).await;
}

/// Brings the registry up to date with the report of a late reconciliation.
async fn apply(inner: &Arc<Inner>, report: ReconcileReport) {
    let authenticators = match inner.vault.authenticators(None).await {
        Ok(authenticators) => authenticators,
        Err(error) => return tracing::error!(%error, "authenticators not read"),
    };
    {
        let now = inner.now();
        let mut registry = inner.registry();
        for authenticator in authenticators {
            registry.put_authenticator(authenticator);
        }
        for id in &report.removed_authenticators {
            registry.drop_authenticator(*id);
        }
        for id in &report.dropped {
            registry.remove(*id);
        }
        for row in &report.mended {
            if let Some(entry) = registry.get_mut(row.id)
                && entry.row.state.generation <= row.state.generation
            {
                entry.row = row.clone();
            }
        }
        for row in &report.adopted {
            registry.insert(row.clone());
        }
        for row in report.mended.iter().chain(&report.adopted) {
            registry.replan(row.id, now);
        }
    }
    inner.schedule_changed.notify_one();
    record(inner, &report).await;
    disconnect::finish_removals(inner);
}

/// Records what was found, and whether it must be repeated.
pub(crate) async fn record(inner: &Inner, report: &ReconcileReport) {
    let now = inner.now();
    for row in &report.adopted {
        tracing::info!(connection = %row.id, "connection rebuilt from the keychain");
        let event = Event::new(EventKind::ConnectionAdopted, now).connection(row.id);
        inner.record(event).await;
    }
    for row in &report.interrupted_sign_ins {
        let event = Event::new(EventKind::SignInFailed, now)
            .sign_in(row.id)
            .authenticator(row.authenticator)
            .detail(json!({ "why": row.problem }));
        inner.record(event).await;
    }
    if let Some(problem) = &report.deferred {
        tracing::warn!(%problem, "the keychain cannot be read yet; logins are checked when it can");
        inner.reconcile_pending.store(true, Ordering::SeqCst);
    }
}

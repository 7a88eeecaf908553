//! Finishes what a crash or a failure left half-way, and takes over what `Vault::reconcile` found: at
//! start, and later as often as it takes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;
use valetkey_core::event::{Event, EventKind};
use valetkey_vault::{ReconcileReport, VaultError};

use crate::error::AgentError;
use crate::sign_in::token_import;
use crate::state::Inner;
use crate::{access, disconnect, grants};

/// Finishes what is left half-way: called by the scheduler until nothing is.
pub(crate) async fn finish(inner: &Arc<Inner>) {
    // First: what is left behind from here on is for the next time.
    inner.unfinished.store(false, Ordering::SeqCst);
    if let Err(error) = try_finish(inner).await {
        tracing::warn!(%error, "work that was left half-way is finished later");
        inner.finish_later();
    }
}

async fn try_finish(inner: &Arc<Inner>) -> Result<(), AgentError> {
    finish_failed_sign_ins(inner).await?;
    token_import::resume(inner).await?;
    let unfinished = inner.vault.unfinished().await?;
    if !unfinished.reconcile {
        return Ok(());
    }
    let report = {
        // Nobody else writes these rows meanwhile. In the order of ids, and this is the one task that
        // holds several.
        let mut ids = unfinished.interrupted;
        ids.sort_unstable();
        let mut writers = Vec::new();
        for id in ids {
            writers.extend(grants::lock(inner, id).await);
        }
        let report = inner.vault.reconcile(inner.now()).await?;
        if report.deferred.is_some() && report.changed_nothing() {
            // Said at the start already.
            inner.finish_later();
            return Ok(());
        }
        take_over_rows(inner, &report);
        report
    };
    take_over_authenticators(inner, &report).await?;
    if !report.adopted.is_empty() {
        access::note_lost_rules(inner).await?;
    }
    adopt(inner, &report);
    record(inner, &report).await;
    disconnect::schedule_removals(inner);
    Ok(())
}

/// Removes what sign-ins have left that could not be stored: nobody can see or disconnect it.
pub(crate) async fn finish_failed_sign_ins(inner: &Inner) -> Result<(), VaultError> {
    for id in inner.vault.unfinished().await?.removals {
        if inner.registry().get(id).is_none() {
            inner.vault.finish_removal(id, None).await?;
        }
    }
    Ok(())
}

/// Rows that were compared with their items. Their write locks are held.
fn take_over_rows(inner: &Inner, report: &ReconcileReport) {
    let now = inner.clock.reading();
    let mut registry = inner.registry();
    for id in &report.dropped {
        registry.remove(*id);
    }
    for row in &report.mended {
        if let Some(entry) = registry.get_mut(row.id)
            && entry.row.state.generation <= row.state.generation
        {
            entry.row = row.clone();
            entry.row.follow_clock(&now);
        }
        registry.replan(row.id, now.wall);
    }
}

/// Whether they have a secret is known now. One after the other, each under its lock: a change that is
/// being stored is not undone.
async fn take_over_authenticators(
    inner: &Inner,
    report: &ReconcileReport,
) -> Result<(), AgentError> {
    for id in &report.removed_authenticators {
        inner.registry().drop_authenticator(*id);
    }
    for authenticator in inner.vault.authenticators(None).await? {
        let id = authenticator.id;
        let one_writer = inner.lock_authenticator(id).await;
        // Read again under the lock; an unknown one was adopted with its connections.
        let newest = match &one_writer {
            Some(_) => inner.vault.authenticator(id).await?,
            None => Some(authenticator),
        };
        if let Some(newest) = newest {
            inner.registry().put_authenticator(newest);
        }
    }
    Ok(())
}

fn adopt(inner: &Inner, report: &ReconcileReport) {
    let now = inner.clock.reading();
    let mut registry = inner.registry();
    for row in &report.adopted {
        let mut row = row.clone();
        row.follow_clock(&now);
        let id = row.id;
        registry.insert(row);
        registry.replan(id, now.wall);
    }
    drop(registry);
    inner.schedule_changed.notify_one();
}

/// Records what was found, and whether it must be repeated.
pub(crate) async fn record(inner: &Inner, report: &ReconcileReport) {
    let now = inner.now();
    for (stored, event) in report.unlogged.iter().cloned() {
        inner.audit_log.queue_change(event, Some(stored));
    }
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
        inner.finish_later();
    }
}

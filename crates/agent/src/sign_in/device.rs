//! Device grant (RFC 8628): the person enters a code at the provider, on whichever machine has a browser,
//! and the token endpoint is polled until they have decided.

use std::sync::Arc;
use std::time::Duration;

use valetkey_core::id::SignInId;
use valetkey_core::scope::Scopes;
use valetkey_core::token_error::{DeviceAuthorization, DevicePoll};

use super::begin::{Begun, Source, not_begun};
use super::session::Awaits;
use super::{SignInState, finish};
use crate::client::Client;
use crate::error::AgentError;
use crate::protocol::Metadata;
use crate::state::Inner;

/// Added to the interval when the provider asks for it (RFC 8628, section 3.5).
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// Longest pause after failures.
const MAX_BACKOFF: Duration = Duration::from_mins(1);

/// Gets a code for the person.
pub(super) async fn begin(
    inner: &Inner,
    client: &Client,
    metadata: Option<Arc<Metadata>>,
    scopes: &Scopes,
) -> Result<Begun, AgentError> {
    let authorization = inner
        .provider_client
        .authorize_device(client, metadata.as_deref(), scopes, inner.now())
        .await
        .map_err(|failure| not_begun(inner, client, failure))?;
    let complete = authorization.verification_uri_complete.as_ref();
    let page = complete.unwrap_or(&authorization.verification_uri);
    Ok(Begun {
        authorize_url: Some(page.to_string()),
        redirect_uri: None,
        awaits: Awaits::Device { metadata },
        lifetime: authorization.expires_in,
        source: Source::Polls(authorization),
    })
}

/// Polls until the provider has answered for good, or the sign-in has ended.
pub(super) async fn poll(
    inner: Arc<Inner>,
    id: SignInId,
    client: Arc<Client>,
    authorization: DeviceAuthorization,
) {
    let state = inner
        .sessions
        .lock()
        .get(&id)
        .map(|it| it.state.subscribe());
    let Some(mut state) = state else { return };
    let mut interval = authorization.interval;
    let mut pause = interval;
    loop {
        tokio::select! {
            biased;
            _ = state.wait_for(SignInState::has_ended) => return,
            () = inner.clock.sleep(pause) => {}
        }
        // Awaited to its end, whatever happens meanwhile: it may bring a grant.
        let code = &authorization.device_code;
        let polled = inner
            .provider_client
            .poll_device(&client, code, inner.now());
        pause = match polled.await {
            DevicePoll::Pending => interval,
            DevicePoll::SlowDown(wished) => {
                interval = wished.unwrap_or_default().max(interval + SLOW_DOWN);
                interval
            }
            DevicePoll::Later { after, reason } => {
                tracing::debug!(reason, "a poll was not answered");
                let wished = after.and_then(|after| Duration::try_from(after).ok());
                let longer = (pause * 2).min(MAX_BACKOFF);
                longer.max(interval).max(wished.unwrap_or_default())
            }
            DevicePoll::Expired => return inner.time_out(id).await,
            DevicePoll::Granted(reply) => {
                return finish::finish_answered(&inner, id, &client, Ok(*reply)).await;
            }
            DevicePoll::Failed(failure) => {
                return finish::finish_answered(&inner, id, &client, Err(failure.into())).await;
            }
        };
    }
}

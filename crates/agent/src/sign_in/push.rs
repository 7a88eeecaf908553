//! A pushed authorization request (RFC 9126) expires, often within a minute, while a sign-in waits for the
//! person: it is pushed again before it does, and whoever reads the sign-in gets the address of now. One
//! that was opened in time stays good.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use valetkey_core::id::SignInId;
use valetkey_core::token_error::SignInFailure;

use super::SignInState;
use crate::client::Client;
use crate::protocol::{AuthorizeRequest, PushRequest, Pushed};
use crate::state::Inner;

/// Between two pushes at least, however short their lifetime is.
const MIN_INTERVAL: Duration = Duration::from_secs(5);

/// Pushes the request of a sign-in that begins, where that is to be done.
pub(super) async fn first(
    inner: &Inner,
    client: &Client,
    request: &AuthorizeRequest,
) -> Result<Option<(PushRequest, Pushed)>, SignInFailure> {
    let Some(request) = PushRequest::of(client, request)? else {
        return Ok(None);
    };
    let pushed = inner.provider_client.push(client, &request, inner.now());
    let pushed = pushed.await?;
    Ok(Some((request, pushed)))
}

/// Pushes it again and again, until the person has answered or the sign-in has ended.
pub(super) async fn again(
    inner: Arc<Inner>,
    id: SignInId,
    client: Arc<Client>,
    request: PushRequest,
    first: Pushed,
) {
    let state = inner
        .sessions
        .lock()
        .get(&id)
        .map(|it| it.state.subscribe());
    let Some(mut state) = state else { return };
    let mut pause = pause(first.expires_in);
    loop {
        let pushed = async {
            inner.clock.sleep(pause).await;
            let pushed = inner.provider_client.push(&client, &request, inner.now());
            pushed.await
        };
        let pushed = tokio::select! {
            biased;
            // Nothing is lost with a push that is given up.
            _ = state.wait_for(|state| !matches!(state, SignInState::Started)) => return,
            pushed = pushed => pushed,
        };
        match pushed {
            Ok(pushed) => {
                pause = self::pause(pushed.expires_in);
                if let Some(session) = inner.sessions.lock().get_mut(&id) {
                    session.view.authorize_url = Some(pushed.url.clone());
                    session.view.pushed_url = Some(pushed.url);
                }
            }
            Err(error) => tracing::debug!(%error, "an authorization request was not pushed again"),
        }
    }
}

/// Before it expires there must be time to open the address.
fn pause(expires_in: SignedDuration) -> Duration {
    let lifetime = Duration::try_from(expires_in).unwrap_or_default();
    (lifetime * 3 / 4).max(MIN_INTERVAL)
}

//! A sign-in that needs no person: one request to the token endpoint, for the client itself or in
//! exchange for another connection's token. It is recorded and stored like any other.

use std::sync::Arc;

use tokio::sync::watch;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::id::{ConnectionId, SignInId};
use valetkey_core::name::InProfile;
use valetkey_core::scope::Scopes;

use super::begin::{Begun, Source};
use super::finish::{self, NoTokens, conclude};
use super::session::{Awaits, Run, Session, SignInView};
use super::{SIGN_IN_TIMEOUT, SignInState};
use crate::client::Client;
use crate::error::AgentError;
use crate::exchange;
use crate::key::Actor;
use crate::protocol::{DirectRequest, Metadata};
use crate::state::Agent;

/// Nothing is shown to anybody; what is wrong with the subject is said at once.
pub(super) fn begin(
    agent: &Agent,
    client: &Client,
    metadata: Option<Arc<Metadata>>,
) -> Result<Begun, AgentError> {
    exchange::check_subject(&agent.inner, client)?;
    Ok(Begun {
        authorize_url: None,
        redirect_uri: None,
        awaits: Awaits::Direct { metadata },
        lifetime: SIGN_IN_TIMEOUT,
        source: Source::Direct,
    })
}

impl Agent {
    /// Opens the session of a sign-in that is finished by what begins it.
    pub(super) async fn open_taken(
        &self,
        view: &SignInView,
        renews: Option<ConnectionId>,
        detail: serde_json::Value,
        who: &Actor,
    ) -> Result<(), AgentError> {
        let inner = &self.inner;
        let session = Session {
            view: view.clone(),
            asked: view.asked.clone(),
            renews,
            started_at: view.started_at,
            ended_at: None,
            run: Run::Taken,
            state: watch::Sender::new(SignInState::Started),
        };
        let row = session.row(&SignInState::Started, None);
        {
            // Checked under the lock, as at every sign-in.
            let mut sessions = inner.sessions.lock();
            self.check_running()?;
            let registry = inner.registry();
            if registry.authenticator(view.authenticator_id).is_none() {
                let name = InProfile::new(view.profile.clone(), view.authenticator.clone());
                return Err(AgentError::no_authenticator(&name.into()));
            }
            drop(registry);
            sessions.insert(view.id, session);
        }
        inner.registry().follow_sign_in(&row);
        let event = Event::new(EventKind::SignInStarted, inner.now())
            .authenticator(view.authenticator_id)
            .sign_in(view.id)
            .actor(who)
            .detail(detail);
        inner.record(event).await;
        let Err(error) = inner.vault.save_sign_in(&row).await else {
            return Ok(());
        };
        // Nobody goes on with it.
        let error = AgentError::from(error);
        conclude(inner, view.id, Err(error.clone().into())).await;
        Err(error)
    }
}

/// Asks, and finishes the sign-in. The answer is awaited whatever happens meanwhile: it may bring a
/// grant, which is revoked if nobody waits for it any more.
pub(super) async fn run(agent: Agent, id: SignInId, client: Arc<Client>, scopes: Scopes) {
    let tokens = async {
        let subject = exchange::subject_token(&agent, &client).await?;
        let request = DirectRequest {
            scopes: &scopes,
            subject,
        };
        let inner = &agent.inner;
        let reply = inner.provider_client.obtain(&client, &request, inner.now());
        Ok::<_, NoTokens>(reply.await?)
    };
    let tokens = tokens.await;
    finish::finish_answered(&agent.inner, id, &client, tokens).await;
}

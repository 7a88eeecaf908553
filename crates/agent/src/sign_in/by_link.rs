//! Sign-ins that a local link begins.

use valetkey_core::id::SignInId;

use super::{SignInMethod, SignInOptions, SignInState, SignInView};
use crate::error::AgentError;
use crate::key::{Actor, AuthenticatorKey};
use crate::links::{LinkTarget, is_used_up};
use crate::state::{Agent, Inner};

impl Agent {
    /// A link on the loopback listener that starts the sign-in of `target`; its nonce.
    pub fn connect_link(&self, target: LinkTarget) -> String {
        let inner = &self.inner;
        inner
            .links
            .nonce(target, inner.now(), |id| is_waiting(inner, id))
    }

    /// What a link is about, while it works.
    pub fn connect_link_target(&self, nonce: &str) -> Option<LinkTarget> {
        let inner = &self.inner;
        let (target, sign_in) = inner.links.find(nonce, inner.now())?;
        let works = !is_used_up(&sign_in, |id| is_waiting(inner, id));
        works.then_some(target)
    }

    /// Starts the sign-in that a link is about. A link has one: asked again, that one is the answer
    /// while it waits for the person, and then the link is used up.
    pub async fn follow_connect_link(
        &self,
        nonce: &str,
        who: &Actor,
    ) -> Result<SignInView, AgentError> {
        let found = self.inner.links.find(nonce, self.inner.now());
        let (target, sign_in) = found.ok_or_else(link_ended)?;
        let who = who.clone();
        // To the end: else a caller that hangs up would leave a sign-in that the link does not know.
        self.run(|agent| async move {
            let mut sign_in = sign_in.lock().await;
            if let Some(id) = *sign_in {
                let view = agent.sign_in(id).map_err(|_| link_ended())?;
                return match view.state {
                    SignInState::Started => Ok(view),
                    SignInState::Authorized
                    | SignInState::Completed(_)
                    | SignInState::Denied(_)
                    | SignInState::Failed(_)
                    | SignInState::TimedOut
                    | SignInState::Cancelled => Err(link_ended()),
                };
            }
            let ask = SignInOptions {
                authenticator: AuthenticatorKey::Name(
                    target.profile,
                    target.connection.authenticator,
                ),
                account: target.connection.account,
                replace: false,
                scopes: target.scopes,
                only_scopes: false,
                register_again: false,
                method: SignInMethod::Browser,
                reason: target.reason,
            };
            let view = agent.begin(ask, Some(target.asked_by), &who).await?;
            *sign_in = Some(view.id);
            Ok(view)
        })
        .await
    }
}

fn is_waiting(inner: &Inner, id: SignInId) -> bool {
    let view = inner.sessions.view(id);
    view.is_ok_and(|view| matches!(view.state, SignInState::Started))
}

fn link_ended() -> AgentError {
    AgentError::NotFound {
        kind: "link",
        name: "this link".to_owned(),
        hint: Some(
            "links end after ten minutes and begin one sign-in; ask for a new one, or use \
             `valetkey connect`"
                .to_owned(),
        ),
    }
}

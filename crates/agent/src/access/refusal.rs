//! Why a requester gets no token, in words.

use std::fmt;

use jiff::Timestamp;
use valetkey_core::name::{ConnectionName, InProfile};
use valetkey_core::scope::Scopes;

use crate::error::AgentError;

/// A requester that may not use a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAllowed {
    pub connection: InProfile<ConnectionName>,
    /// The program or key, for the person.
    pub program: String,
    pub why: Refusal,
    /// Whether a desktop app runs, in which it can be allowed.
    pub can_ask: bool,
}

/// Why a requester gets no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The person said no; until then, or until the rule is removed.
    Denied(Option<Timestamp>),
    /// Nobody answered in time.
    NotAnswered,
    /// No rule allows it, and nobody can be asked.
    NotDecided,
    /// It may use the proxy only.
    ProxyOnly,
    /// It may have fewer scopes than the token has.
    TooManyScopes(Scopes),
    /// Its rule or key is gone, or its token got further scopes, while it waited.
    Withdrawn,
}

impl From<NotAllowed> for AgentError {
    fn from(refused: NotAllowed) -> Self {
        Self::NotAllowed(Box::new(refused))
    }
}

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            connection,
            program,
            why,
            ..
        } = self;
        let access = format!("access to `{connection}`");
        match why {
            Refusal::Denied(Some(_)) => {
                write!(f, "{access} was denied for {program} a few minutes ago")
            }
            Refusal::Denied(None) => write!(f, "{access} is denied for {program}"),
            Refusal::NotAnswered => {
                write!(f, "{program} asks for {access}, and nobody answered yet")
            }
            Refusal::NotDecided => write!(f, "no rule allows {program} {access}"),
            Refusal::ProxyOnly => {
                write!(
                    f,
                    "{program} may use `{connection}` through the proxy only, without the token"
                )
            }
            Refusal::TooManyScopes(scopes) => write!(
                f,
                "the token of `{connection}` can do more than {program} may (`{scopes}`), and cannot be \
             narrowed yet"
            ),
            Refusal::Withdrawn => {
                write!(f, "{access} was withdrawn from {program} while it waited")
            }
        }
    }
}

impl NotAllowed {
    /// What to do.
    pub fn hint(&self) -> String {
        let (connection, can_ask) = (&self.connection, self.can_ask);
        match &self.why {
            Refusal::ProxyOnly => format!(
                "send requests through the proxy: `valetkey proxy-url {}`",
                connection.argument()
            ),
            Refusal::Denied(_)
            | Refusal::NotAnswered
            | Refusal::NotDecided
            | Refusal::TooManyScopes(_)
            | Refusal::Withdrawn
                if can_ask =>
            {
                "allow it in Valet Key, under Access".to_owned()
            }
            Refusal::Denied(_) | Refusal::TooManyScopes(_) => {
                "`valetkey access list` shows the rule; `valetkey access remove` removes it"
                    .to_owned()
            }
            Refusal::NotAnswered | Refusal::NotDecided | Refusal::Withdrawn => {
                "`valetkey access list` shows the request; `valetkey access allow` allows it"
                    .to_owned()
            }
        }
    }
}

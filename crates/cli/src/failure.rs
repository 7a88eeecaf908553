//! What a command reports when it did not work: what, why, what to do, and the exit code.

use std::fmt::Display;
use std::io;

use serde_json::{Value, json};
use valetkey_api::ApiError;
use valetkey_api::client::ClientError;
use valetkey_api::core::draft::Problem;
use valetkey_api::error_text::ErrorText;

use crate::exit::Exit;

const INCOMPLETE: &str = "the authenticator cannot be used as it is";

/// Why a command did not work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The agent says no.
    Api(Box<ApiError>),
    /// Everything that is wrong with an authenticator.
    Problems(Vec<Problem>),
    /// Our own.
    Own(Own),
}

/// A failure that has no code of the API.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) exit: Exit,
    pub(crate) what: String,
    pub(crate) why: Option<String>,
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// A failure of our own; [`Self::why`] and [`Self::hint`] add to it.
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self::Own(Own {
            exit,
            what: what.into(),
            why: None,
            hint: None,
        })
    }

    /// Adds the reason to a failure of our own.
    #[must_use]
    pub(crate) fn why(mut self, why: impl Display) -> Self {
        if let Self::Own(own) = &mut self {
            own.why = Some(format!("{why}"));
        }
        self
    }

    /// Adds what to do to a failure of our own.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Own(own) = &mut self {
            own.hint = Some(hint.into());
        }
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Api(error) => error.code.into(),
            Self::Problems(_) => Exit::Usage,
            Self::Own(own) => own.exit,
        }
    }

    /// For a person.
    pub(crate) fn text(&self) -> ErrorText {
        match self {
            Self::Api(error) => (&**error).into(),
            Self::Problems(problems) => ErrorText::new(INCOMPLETE).problems(problems),
            Self::Own(own) => ErrorText::new(&own.what)
                .reason(own.why.as_deref())
                .hint(own.hint.as_deref()),
        }
    }

    /// For `--json`: the body that the API would have sent.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Api(error) => json!({ "detail": error }),
            Self::Problems(problems) => json!({ "detail": {
                "code": "invalid_request",
                "message": INCOMPLETE,
                "problems": problems,
            }}),
            Self::Own(own) => json!({ "detail": {
                "code": match own.exit {
                    Exit::Unavailable => "agent_unavailable",
                    Exit::Usage => "invalid_request",
                    Exit::NotFound => "not_found",
                    Exit::TryLater => "try_later",
                    Exit::NotAllowed => "auth_required",
                    Exit::NotConfigured => "not_configured",
                    Exit::Interrupted => "interrupted",
                    Exit::Failed | Exit::CommandNotExecutable | Exit::CommandNotFound => "failed",
                },
                "message": own.what,
                "reason": own.why,
                "hint": own.hint,
            }}),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = Exit::from(&error);
        match error {
            ClientError::Api(error) => Self::Api(error),
            ClientError::NotRunning => {
                Self::new(exit, "no agent is running").hint("start it with `valetkey serve`")
            }
            ClientError::OtherUser(socket) => Self::new(
                exit,
                format!("`{}` is served by another user", socket.display()),
            )
            .why("nothing was sent there")
            .hint("set `XDG_RUNTIME_DIR` or `VALETKEY_HOME` to a folder with a shorter path that only you can write to"),
            ClientError::Ended => Self::new(exit, "the agent ended before it answered")
                .hint("run the command again: it starts a new one"),
            ClientError::TimedOut => Self::new(exit, "the agent did not answer in time")
                .hint("try again; `valetkey doctor` shows what hangs"),
            ClientError::Protocol(why) => {
                Self::new(exit, "the agent gave an answer that cannot be used")
                    .why(why)
                    .hint("if `valetkey` was updated, end the old agent with `valetkey stop`")
            }
            ClientError::Io(error) => Self::new(exit, "the agent cannot be reached")
                .why(error)
                .hint("`valetkey doctor` shows where it should listen"),
        }
    }
}

/// Output that cannot be written.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(Exit::Failed, "the output cannot be written").why(error)
    }
}

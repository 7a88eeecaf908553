//! What was read, before anybody has checked it.

use std::path::PathBuf;

use valetkey_core::draft::DraftInput;
use valetkey_core::name::ProfileName;
use valetkey_core::secret::PastedSecret;

/// What a source holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// In the order of the source.
    pub authenticators: Vec<FoundAuthenticator>,
    /// What the person should know about the rest of it.
    pub remarks: Vec<String>,
}

/// One authenticator of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundAuthenticator {
    /// As the source calls it: `credential.https://git.example.com`.
    pub origin: String,
    /// The issuer or MCP server whose metadata completes the fields.
    pub discover: Option<String>,
    /// The login that the source has through it, if that can be moved.
    pub login: Option<FoundLogin>,
    /// None: the profile of the command.
    pub profile: Option<ProfileName>,
    /// Its fields. Variables in them are not resolved.
    pub input: DraftInput,
    /// Whether texts may stand for environment variables (`${NAME}`).
    pub has_variables: bool,
    /// False: it was exported as disabled.
    pub is_active: bool,
    /// What the person should know about it.
    pub remarks: Vec<String>,
}

/// A login in a file of its own, whose removal signs the other tool out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundLogin {
    /// The file.
    pub path: PathBuf,
    /// What is in it.
    pub refresh_token: PastedSecret,
}

impl FoundAuthenticator {
    /// Of another tool: enabled, nothing in it stands for a variable.
    pub(crate) fn new(origin: impl Into<String>, input: DraftInput) -> Self {
        Self {
            origin: origin.into(),
            discover: None,
            login: None,
            profile: None,
            input,
            has_variables: false,
            is_active: true,
            remarks: Vec::new(),
        }
    }
}

/// Why a source cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unreadable {
    /// What is wrong. Never quotes a value.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl Unreadable {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

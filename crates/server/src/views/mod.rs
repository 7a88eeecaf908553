//! From the agent's words to the API's. Nothing is decided here.

mod agent;
mod connections;
mod log;
mod sign_in;

pub(crate) use agent::{check, status};
pub(crate) use connections::{
    authenticator, authenticator_key, connection, disconnected, label, test_unreachable,
    token_refused,
};
pub(crate) use log::{client, event};
pub(crate) use sign_in::sign_in;

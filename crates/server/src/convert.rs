//! Conversion of the agent's types to the API's. Types of one name exist on both sides: the agent's
//! hold what it knows, the API's (`valetkey_api`) what goes over the wire. Nothing is decided here.

mod access;
mod agent;
mod connections;
mod events;
mod sign_in;

pub(crate) use access::{approval, rule};
pub(crate) use agent::{check, status};
pub(crate) use connections::{
    authenticator, authenticator_key, connection, disconnected, label, methods, test_unreachable,
    token_refused,
};
pub(crate) use events::{client, event, log_check};
pub(crate) use sign_in::{device, sign_in};

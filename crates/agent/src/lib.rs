//! The agent: sign-in, refresh, token, disconnect. The sole writer of the vault.
//!
//! One [`Agent`] serves one home. It is a cheap handle; every front end (socket, loopback listener,
//! window) calls the same methods. Data flows in one direction: a call becomes a change in the
//! [`Vault`], the change becomes an event, and views read a fresh snapshot.
//!
//! Three layers; a module uses those of its own layer or of one above it in this table:
//!
//! | layer | module | what it holds or does |
//! | --- | --- | --- |
//! | state | `state` | [`Agent`], its state, and `run`: the one way to start work |
//! | | `registry` | every connection: row, live grant, running refresh, schedule |
//! | | `sign_in::session` | the sign-ins that are open, with their secrets |
//! | | `access` | rules, questions to the person, and what they say to a request |
//! | | `stored_settings`, `links` | settings and pause; sign-in links |
//! | | `audit_log` | writes events in order, those of served tokens in batches; keeps their chain anchored |
//! | | `tasks`, `clock`, `key`, `error`, `client` | running work; time; names of things; errors; a client with its secret |
//! | | [`protocol`] | requests to providers, in their dialects |
//! | flows | `grants` | loads and stores grants; the write lock of a connection |
//! | | `refresh` | one refresh for all callers; back-off and retry in `refresh::failure`, tokens with fewer scopes in `refresh::narrow` |
//! | | `token` | serves a token, from memory or after a refresh; `token::renew` forces one |
//! | | [`sign_in`] | begin, callback server, finish, store |
//! | | `exchange` | the token that another connection's token is exchanged for |
//! | | `proxy` | a token that goes to a host of the connection, and what came of it; ends what is withdrawn |
//! | | `needed_scopes` | what a connection turns out to lack |
//! | | `disconnect`, `consent` | revocation and removal; what a revocation would also end |
//! | | `discovery` | finds out what a typed URL leads to; registers the client there, and again when that is needed |
//! | | `authenticators`, `connections`, `keys`, `settings`, `status` | one API resource each |
//! | lifecycle | `lifecycle` | start and stop |
//! | | `scheduler` | refreshes before expiry, retries unfinished work |
//! | | `reconcile` | finishes what a crash or a failure left half-way |
//!
//! Who may call is `valetkey_server`'s business (`permission`), storage and its order
//! [`valetkey_vault`]'s.
//!
//! Rules that hold everywhere:
//!
//! - The registry is never locked across `.await`. A result that arrives after an `.await` goes through
//!   [`valetkey_core::connection_state::apply`], which rejects stale transitions; rows that the vault
//!   corrected are compared by status or generation.
//! - The keychain leads: a refreshed grant is written to the keychain first, to its row second and to
//!   the registry third; a caller meanwhile gets the old token while it is valid, or waits. Only a grant
//!   whose write failed is served from memory alone. First grants and removals begin with their row (see
//!   [`valetkey_vault`]).
//! - Every change runs through `run`, to its end or to the agent's stop (which waits longer than the
//!   longest refresh): callers wait for work, they do not own it.
//!
//! Locks, in the order in which they are taken; a task that holds one takes only later ones:
//!
//! 1. `Inner::settings_lock`, or the lock of a link (`links::LinkSignIn`)
//! 2. an authenticator's `write_lock` (`Inner::lock_authenticator`)
//! 3. the registration lock of an issuer (`discovery::Registrations`)
//! 4. a connection's `request_lock` (while a request with its refresh token is under way), then
//!    `Inner::naming_lock` (for a new connection) or a connection's `write_lock` (`grants::lock`);
//!    to rename a connection its `write_lock` first, then `naming_lock`; only `reconcile` holds several,
//!    in the order of their ids
//! 5. the audit log's `flush_lock`
//! 6. `Sessions`, then `ConnectionRegistry` (`std` mutexes, never held across `.await`)
//! 7. `links`, `client_keys`, the rules and questions of `access`, `stored_settings`, `removed_names`,
//!    `renewed_for_hosts`, `tasks`, the audit log's refusals, then its queue (`std`
//!    mutexes; nothing else is locked under them)
//!
//! [`Vault`]: valetkey_vault::Vault

mod access;
mod audit_log;
mod authenticators;
mod client;
mod clock;
mod connections;
mod consent;
mod disconnect;
mod discovery;
mod error;
mod exchange;
mod grants;
mod key;
mod keys;
mod lifecycle;
mod links;
mod needed_scopes;
pub mod protocol;
mod proxy;
mod random;
mod reconcile;
mod refresh;
mod registry;
mod scheduler;
mod settings;
pub mod sign_in;
mod state;
mod status;
mod stored_settings;
mod tasks;
mod token;

/// Where logins are kept: what a host opens before it starts an [`Agent`].
pub use valetkey_vault as vault;

pub use access::{
    ANSWER_TIMEOUT, AccessConfig, AccessQuestion, Answer, Approval, ApprovalId, Approvals,
    ChangeQuestion, Grant, Identity, Lasts, NotAllowed, Process, Question, Refusal, Requester,
    RuleView,
};
pub use authenticators::{AuthenticatorChange, AuthenticatorView};
pub use client::Client;
pub use clock::{Clock, KernelTimer, Sleep, SystemClock, TestClock};
pub use connections::{
    ApiKeyView, ConnectionChange, ConnectionView, LabelChange, MethodsChange, OAuthOffer, Tested,
};
pub use disconnect::Disconnected;
pub use discovery::{Discovery, DiscoveryRequest};
pub use error::AgentError;
pub use key::{Actor, AuthenticatorKey, ConnectionKey};
pub use keys::{KeyRefusal, NewKey};
pub use links::LinkTarget;
pub use proxy::{Credentials, Exchange, ProxiedRequest, ProxyGrant};
pub use registry::{FailedSignIn, LiveGrant};
pub use state::{Agent, Config};
pub use status::{AgentStatus, Check, CheckOutcome};
pub use stored_settings::Absence;
pub use token::{Invalidated, ServedToken, TokenRequirements};

//! A small OAuth 2.0 and `OpenID` provider: the demo signs in here, and the tests inject every fault
//! that a provider can have.
//!
//! In process ([`DemoProvider`], on a thread of its own):
//!
//! ```
//! use valetkey_demo_provider::{DemoProvider, Endpoint, Fault, FaultKind, Filter, Settings};
//!
//! let provider = DemoProvider::start(Settings::auto_consent("ada"))?;
//! provider.update(|settings| settings.access_token_lifetime_seconds = Some(2.0));
//! provider.fault(Fault::refresh(FaultKind::Close).after_processing()); // a lost response
//! provider.fault(Fault::at(Endpoint::Userinfo, FaultKind::set("sub", "mallory")).forever());
//! let latch = provider.latch(Fault::exchange); // holds code exchanges
//! latch.release();
//! assert_eq!(provider.count(Filter::refreshes()), 0);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! A [`FaultKind`] says what goes wrong, a [`Fault`] at which requests and how often, [`Settings`] how
//! the provider behaves otherwise.
//!
//! As a process: `valetkey-demo-provider --auto-consent ada` prints `{"issuer": "http://..."}` once
//! it listens. Its control interface takes and returns JSON:
//!
//! | request | |
//! | --- | --- |
//! | `GET` `PUT` `PATCH /_control/settings` | [`Settings`]; `PATCH` takes a merge patch |
//! | `GET` `POST` `DELETE /_control/faults` | `POST` adds a [`Fault`]: `{"endpoint": "token", "grant": "refresh_token", "times": 2, "after_processing": true, "fault": {"kind": "close"}}`; `DELETE` clears |
//! | `POST /_control/release` | `{"latch": "name"}` |
//! | `GET /_control/requests?endpoint=&grant=` | [`Request`]s, oldest first, without secrets |
//! | `GET /_control/wait?endpoint=&grant=&count=&timeout_ms=&ended=` | `{"reached", "count"}` once `count` requests have arrived (or, with `ended=true`, ended) |
//! | `GET /_control/families` | [`Family`] list |
//! | `GET /_control/issued` | every secret ever issued, for leak tests |
//! | `POST /_control/expire_access_tokens`, `/_control/reset` | no body |
//! | `POST /_control/revoke` | `{"account": "ada"}`: revokes the grants of the account |
//!
//! The provider serves both discovery documents, `/authorize` (a consent page with `#allow`,
//! `#deny`, radios `account` and checkboxes `scope`), `/par`, `/token` (with DPoP), `/revoke`, `/userinfo`, `/jwks`,
//! the protected `/api/me`; GitHub's `DELETE /applications/{client_id}/token` and `/grant`, Slack's
//! `POST /api/auth.revoke`. State is in memory only.
//!
//! ```text
//! server -> request_handler -> router -> authorize, token, revoke, resource, discovery, control
//!                   |                        \-> token_store (pure), id_token
//!                   \-> request_log, fault_queue -> fault_response
//! ```

mod authorize;
mod client_auth;
mod control;
mod device;
mod discovery;
mod dpop;
mod echo;
mod endpoint;
mod fault;
mod fault_queue;
mod fault_response;
mod form;
mod grant;
mod id_token;
mod merge_patch;
mod oauth_error;
mod pages;
mod provider;
mod pushed;
mod redirect_uri;
mod request_handler;
mod request_log;
mod resource;
mod response;
mod revoke;
mod router;
mod server;
mod settings;
mod shared;
mod token;
mod token_store;

pub use endpoint::{Endpoint, GrantType};
pub use fault::{Always, Fault, FaultKind, IdTokenFlaw, Times};
pub use grant::{Family, Revocation};
pub use provider::{DemoProvider, Latch};
pub use request_log::{Filter, Outcome, Request, fingerprint};
pub use settings::{
    Account, Client, Consent, Dialect, Dpop, Pkce, PushedRequests, RefreshTokens, RevocationScope,
    Settings,
};

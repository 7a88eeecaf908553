//! A small OAuth 2.0 and `OpenID` provider of our own: the demo signs in here, and every test layer
//! lets it fail in every way a provider can.
//!
//! In process ([`DemoProvider`], on a thread of its own):
//!
//! ```
//! use valetkey_demo_provider::{DemoProvider, Endpoint, Fault, FaultKind, Filter, Settings};
//!
//! let provider = DemoProvider::start(Settings::auto_consent("ada"))?;
//! provider.update(|settings| settings.access_token_lifetime_seconds = Some(2.0));
//! provider.fault(Fault::refresh(FaultKind::Close).after_processing()); // the lost answer
//! provider.fault(Fault::at(Endpoint::Userinfo, FaultKind::set("sub", "mallory")).forever());
//! let gate = provider.gate(Fault::exchange); // code exchanges wait here
//! gate.release();
//! assert_eq!(provider.count(Filter::refreshes()), 0);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! What can go wrong is a [`FaultKind`]; where, when and how often, a [`Fault`]; how the provider
//! behaves otherwise, its [`Settings`].
//!
//! As a process: `valetkey-demo-provider --auto-consent ada` prints `{"issuer": "http://..."}` once
//! it listens. Its control interface, JSON throughout:
//!
//! | request | |
//! | --- | --- |
//! | `GET` `PUT` `PATCH /_control/settings` | [`Settings`]; `PATCH` takes a merge patch |
//! | `GET` `POST` `DELETE /_control/faults` | `POST` adds a [`Fault`]: `{"endpoint": "token", "grant": "refresh_token", "times": 2, "after_processing": true, "fault": {"kind": "close"}}`; `DELETE` clears |
//! | `POST /_control/release` | `{"gate": "name"}` |
//! | `GET /_control/requests?endpoint=&grant=` | [`Request`]s, oldest first, without secrets |
//! | `GET /_control/wait?endpoint=&grant=&count=&timeout_ms=&ended=` | `{"reached", "count"}` once so many have arrived (or, with `ended=true`, ended) |
//! | `GET /_control/families` | [`Family`] list |
//! | `GET /_control/issued` | every secret ever issued, for leak tests |
//! | `POST /_control/expire_access_tokens`, `/_control/reset` | no body |
//! | `POST /_control/revoke` | `{"account": "ada"}`: the person takes it back |
//!
//! The provider itself: both discovery documents, `/authorize` (a consent page with `#allow`,
//! `#deny`, radios `account` and checkboxes `scope`), `/token`, `/revoke`, `/userinfo`, `/jwks`,
//! the protected `/api/me`; GitHub's `DELETE /applications/{client_id}/token` and `/grant`, Slack's
//! `POST /api/auth.revoke`. State lives in memory only and ends with the process.
//!
//! ```text
//! door -> pipeline -> router -> authorize, token, revoke, resource, discovery, control
//!            |                       \-> ledger (pure: what was granted), id_token
//!            \-> journal (what came), fault_queue (which fault befalls it) -> spoil (how that looks)
//! ```

mod answer;
mod authorize;
mod client_auth;
mod control;
mod discovery;
mod door;
mod endpoint;
mod fault;
mod fault_queue;
mod form;
mod grant;
mod id_token;
mod journal;
mod ledger;
mod pages;
mod patch;
mod pipeline;
mod provider;
mod redirect_uri;
mod refusal;
mod resource;
mod revoke;
mod router;
mod settings;
mod shared;
mod spoil;
mod token;

pub use endpoint::{Endpoint, GrantType};
pub use fault::{Always, Fault, FaultKind, IdTokenFlaw, Times};
pub use grant::{Family, Revocation};
pub use journal::{Filter, Outcome, Request, fingerprint};
pub use provider::{DemoProvider, Gate};
pub use settings::{Account, Client, Consent, Dialect, Pkce, RefreshTokens, Settings};

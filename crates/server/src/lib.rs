//! The HTTP API of an agent: one router, the listeners that serve it, and `valetkey-agent`, the host
//! without a desktop.
//!
//! Every client uses the same [`router`]: programs over the Unix socket, holders of client keys over
//! loopback TCP, the window of the desktop app in its own process (it calls the router with
//! [`caller::Caller::Window`] as an extension of the request). They differ only in *who is asking*.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`caller`] | who sent a request |
//! | [`permission`] | what each caller may do |
//! | `routes` | one function for each route: parse, check the permission, one agent call, convert |
//! | `extract`, `response`, `error_response` | request parameters and bodies, JSON responses, errors |
//! | `convert` | the agent's types to the API's |
//! | `proxy` | requests to the hosts of a connection, with its token added |
//! | `event_feed` | live events, read once for all followers |
//! | `document` | the OpenAPI document, compared with the routes by a test |
//! | `desktop` | what the desktop app does in its own process: its window, copying a token |
//! | `confirmation` | changes that the person confirms in the desktop app |
//! | `connect_page`, `routes::connect_page` | the page behind the local link in `auth_required` |
//! | `app`, [`Stop`] | the router's state; how the process is asked to stop |
//! | [`start`] | the start of an agent process: log file, secret store and passphrase, signals |
//! | [`agent_lock`] | one agent per home |
//! | `server` | binds both listeners and writes `endpoint.json` |
//! | [`listeners`] | the Unix socket, and loopback TCP with its guard: Host, Origin, cross-site fetches, client keys |
//! | `listeners::http_server`, `listeners::connection_limiter` | bounds on what a silent or slow client can hold on to |
//!
//! The binary `valetkey-agent` (`src/bin/`) is the process around it where there is no desktop.
//! In process: `router(App::new(agent, home, Host::Desktop, stop))`.

pub mod agent_lock;
mod app;
pub mod caller;
mod confirmation;
mod connect_page;
mod convert;
mod desktop;
mod doctor;
mod document;
mod error_response;
mod event_feed;
mod extract;
pub mod listeners;
pub mod permission;
mod private_files;
mod proxy;
mod response;
mod routes;
mod server;
pub mod start;
mod stop;

/// What the approval window of the desktop app shows and answers.
pub mod approvals {
    pub use valetkey_agent::{
        AccessQuestion, Answer, Approval, ApprovalId, ChangeQuestion, Grant, Lasts, Question,
    };
}

pub use app::{App, ListenAddresses};
pub use error_response::ErrorResponse;
pub use routes::router;
pub use server::Server;
pub use stop::Stop;

//! Who may come **in**: one router over the agent, the doors that serve it, and `valetkey-agent`, the
//! host without a desktop.
//!
//! Every face speaks to the same [`router`]: programs over the Unix socket, holders of client keys
//! over loopback TCP, the window of the desktop app in its own process (it calls the router with
//! [`caller::Caller::Window`] as an extension of the request). What differs is only *who is asking*.
//!
//! | module | question it answers |
//! | --- | --- |
//! | [`caller`] | who is asking |
//! | [`permission`] | may they: the table of the design |
//! | `routes` | what can be asked, one function each: parse, permit, one agent call, convert |
//! | `extract`, `reply`, `refused` | how requests are read, answered and refused |
//! | `views` | how the agent's words become the API's |
//! | `document` | the OpenAPI document, compared with the routes by a test |
//! | `desktop` | what the desktop app does in its own process: its window, copying a token |
//! | `connect`, `routes::connect` | the page behind the local link in `auth_required` |
//! | `app`, [`Stop`] | what every route has at hand; how the process is asked to end |
//! | [`start`] | how a process becomes the agent of a home: log file, secret store and passphrase, signals |
//! | [`doors`] | opening both doors, and `endpoint.json` |
//! | `doors::lock` | one agent per home |
//! | `doors::socket` | programs of this user: where the socket is, who the kernel says they are |
//! | `doors::tcp`, `doors::gate` | loopback: what if the port is taken; Host, Origin, cross-site fetches, client keys |
//! | `doors::hall`, `doors::guests` | bounds on what a silent or slow client can hold on to |
//!
//! The binary `valetkey-agent` (`src/bin/`) is the process around it where there is no desktop.
//! In process: `router(App::new(agent, home, Host::Desktop, stop))`.

mod app;
pub mod caller;
mod connect;
mod desktop;
mod document;
pub mod doors;
mod extract;
pub mod permission;
mod refused;
mod reply;
mod routes;
pub mod start;
mod stop;
mod views;

pub use app::{App, OpenDoors};
pub use refused::Refused;
pub use routes::router;
pub use stop::Stop;

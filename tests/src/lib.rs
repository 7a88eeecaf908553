//! The harness of the end-to-end tests: real binaries, real servers, a real keychain, a real browser.
//!
//! Each test makes a [`Desktop`]: a private session bus with gnome-keyring on it, a HOME and an
//! `XDG_RUNTIME_DIR` of its own, under one temporary folder. Every process of the test is started by
//! [`Desktop::command`], so that it sees only that desktop and ends with it.
//!
//! | module | the real thing |
//! | --- | --- |
//! | [`desktop`] | dbus-daemon, gnome-keyring-daemon: locked, killed, suspended on demand |
//! | [`Session`] | a screen (Xvfb), windows (xfwm4), a tray (xfce4-panel), notifications (dunst), the app |
//! | [`browser`] | Chromium as `$BROWSER`, with a scripted person who logs in and allows, denies or leaves |
//! | [`oidc`] | npm `oidc-provider` on loopback |
//! | [`conformance`] | the MCP conformance suite |
//! | [`python`] | Python with the packages of the tests |
//! | [`agent`], [`cli`] | the binaries under test; `cargo xtask test` builds them and names their paths |
//! | [`api`] | the agent's API, as a program without our client sees it |
//! | [`AgentFixture`] | the usual fixture: a desktop, an agent, the demo provider |
//! | [`WindowFixture`] | the same with the app and its window instead of an agent |
//! | [`webview`] | the app's page in the real web view, by `WebKitWebDriver` |
//! | [`process`] | a child process whose output can be waited for |
//! | [`http`] | plain HTTP over TCP or a Unix socket, also byte for byte |
//! | [`socket_port`] | the agent's socket, for programs that know TCP only |
//! | [`leak_search`] | searches files, command lines and memory for secrets |
//! | [`wait`] | waiting for a condition, with a timeout |
//!
//! No test is skipped: if something is missing on the machine, the test fails and says how to get it.

pub mod agent;
pub mod agent_fixture;
pub mod api;
pub mod browser;
pub mod cli;
pub mod conformance;
pub mod desktop;
pub mod http;
pub mod leak_search;
pub mod oidc;
pub mod process;
pub mod python;
pub mod socket_port;
pub mod wait;
pub mod webview;
pub mod window_fixture;

/// The account that signs in at the demo provider, where a test does not care.
pub const ACCOUNT: &str = "ada";

pub use agent::Agent;
pub use agent_fixture::AgentFixture;
pub use api::Api;
pub use browser::{Browser, Consent, Person, Visit};
pub use desktop::{Desktop, Keyring, Session};
pub use http::{HttpClient, Reply};
pub use oidc::OidcProvider;
pub use process::Running;
pub use webview::{Role, WebView};
pub use window_fixture::WindowFixture;

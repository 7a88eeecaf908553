//! "Try the demo": a provider of our own with made-up accounts, for people without a registered client.
//! It is a program beside this one and ends with the app. What was added for it is removed at the next
//! start of the app.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{self, Stdio};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tauri::{AppHandle, Manager as _};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio::time::timeout;
use valetkey_api::error::{ApiError, ErrorCode};

use crate::actions::Actions;
use crate::api_client::ApiClient;
use crate::child_process::without_passphrase;
use crate::state::Shell;

const PROGRAM: &str = "valetkey-demo-provider";
const AUTHENTICATORS: &str = "/api/v1/oauth/authenticators";
/// How long it may take to listen, also on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// How many names are tried.
const MAX_NAMES: u32 = 20;

/// The demo provider, while it runs.
#[derive(Default)]
pub(crate) struct Demo(Mutex<Option<RunningDemo>>);

struct RunningDemo {
    provider: Child,
    /// Id of its authenticator.
    authenticator: String,
}

/// Whether the program is installed.
pub(crate) fn is_installed() -> bool {
    program().is_some_and(|path| path.is_file())
}

fn program() -> Option<PathBuf> {
    let beside = std::env::current_exe().ok()?;
    Some(beside.with_file_name(format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX)))
}

/// Starts the provider and adds an authenticator for it; answers its id. Answers the same one while it runs.
pub(crate) async fn begin(app: &AppHandle) -> Result<String, Box<ApiError>> {
    let demo = app.state::<Demo>();
    let api = &app.state::<Actions>().api;
    let mut running = demo.0.lock().await;
    if let Some(demo) = running.as_mut()
        && matches!(demo.provider.try_wait(), Ok(None))
        && is_known(api, &demo.authenticator).await
    {
        return Ok(demo.authenticator.clone());
    }
    let (provider, issuer) = start().await.map_err(|error| {
        ApiError::new(
            ErrorCode::Internal,
            format!("the demo cannot be started: {error}"),
        )
    })?;
    let authenticator = add(api, &issuer).await?;
    if let Err(error) = fs::write(leftover(app), &authenticator) {
        tracing::warn!(%error, "the demo's authenticator will stay");
    }
    *running = Some(RunningDemo {
        provider,
        authenticator: authenticator.clone(),
    });
    Ok(authenticator)
}

async fn is_known(api: &ApiClient, authenticator: &str) -> bool {
    let path = format!("{AUTHENTICATORS}/{authenticator}");
    api.get::<Value>(&path).await.is_ok()
}

/// The running provider and its issuer. It ends when its stdin does, so with the app.
async fn start() -> io::Result<(Child, String)> {
    let program = program().ok_or_else(|| io::Error::other("this program has no name"))?;
    let mut command = process::Command::new(program);
    without_passphrase(&mut command);
    let mut provider = Command::from(command)
        .arg("--until-stdin-closes")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = provider.stdout.take().expect("piped above");
    let mut lines = BufReader::new(stdout).lines();
    let line = timeout(START_TIMEOUT, lines.next_line()).await??;
    let ready: Value = serde_json::from_str(&line.unwrap_or_default())?;
    match ready["issuer"].as_str() {
        Some(issuer) => Ok((provider, issuer.to_owned())),
        None => Err(io::Error::other("it does not say where it listens")),
    }
}

/// Adds the authenticator, by another name if this one is taken.
async fn add(api: &ApiClient, issuer: &str) -> Result<String, Box<ApiError>> {
    let mut number = 1;
    loop {
        let name = match number {
            1 => "Demo".to_owned(),
            _ => format!("Demo {number}"),
        };
        let draft = json!({
            "name": name,
            "authenticator_type": "custom",
            "client_id": "demo",
            "scopes": ["openid", "email", "offline_access"],
            "redirect_uri": "http://127.0.0.1/callback",
            "issuer": issuer,
            "authorize_url": format!("{issuer}/authorize"),
            "token_url": format!("{issuer}/token"),
            "userinfo_url": format!("{issuer}/userinfo"),
            "revocation_url": format!("{issuer}/revoke"),
            "api_hosts": [issuer],
        });
        let added: Result<Value, Box<ApiError>> =
            api.call(Method::POST, AUTHENTICATORS, Some(&draft)).await;
        match added {
            Ok(added) => {
                let id = added["authenticator"]["id"].as_str();
                return Ok(id.unwrap_or_default().to_owned());
            }
            Err(error) if error.code == ErrorCode::Conflict && number < MAX_NAMES => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Removes what the last run of the app left of the demo.
pub(crate) async fn clear(app: AppHandle) {
    let demo = app.state::<Demo>();
    // One that begins meanwhile leaves a note of its own, which is not this one's to remove.
    let _not_yet = demo.0.lock().await;
    let file = leftover(&app);
    let Ok(authenticator) = fs::read_to_string(&file) else {
        return;
    };
    let path = format!("{AUTHENTICATORS}/{authenticator}?force=true");
    let api = app.state::<Actions>().api.clone();
    match api.call::<Value>(Method::DELETE, &path, None::<&()>).await {
        Err(error) if error.code != ErrorCode::NotFound => {
            tracing::warn!(%error, "the demo's authenticator stays until the next start");
        }
        Ok(_) | Err(_) => {
            fs::remove_file(&file).ok();
        }
    }
}

fn leftover(app: &AppHandle) -> PathBuf {
    app.state::<Shell>().home.state.join("demo-authenticator")
}

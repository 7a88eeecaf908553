//! The store of mcp-remote (`~/.mcp-auth`): `<hash>_client_info.json` and `<hash>_tokens.json`, where the hash is
//! of the server's URL. Every layout is read: `mcp-remote-v1/`, one folder for each version before it, and no
//! folder at all before that.
//!
//! A refresh token has one holder: who moves a login here removes its file there ([`FoundLogin`]).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use md5::{Digest as _, Md5};
use serde_json::{Map, Value};
use url::Url;
use valetkey_core::draft::DraftInput;
use valetkey_core::secret::PastedSecret;

use crate::file;
use crate::found::{Found, FoundAuthenticator, FoundLogin, Unreadable};

/// Its folder beside the home, unless `MCP_REMOTE_CONFIG_DIR` names another.
pub const FOLDER: &str = ".mcp-auth";
const CLIENT_INFO: &str = "_client_info.json";
const TOKENS: &str = "_tokens.json";
/// The layout of today.
const NEWEST: &str = "mcp-remote-v1";

/// A file of the store.
#[derive(Debug, Clone, Copy)]
pub struct StoredFile<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// Its folder below the store: `mcp-remote-0.1.37`; empty for none.
    pub folder: &'a str,
    /// Without the folder.
    pub name: &'a str,
    /// As it was read.
    pub content: &'a [u8],
}

/// Whether [`read`] wants a file of this name.
pub fn is_wanted(name: &str) -> bool {
    name.ends_with(CLIENT_INFO) || name.ends_with(TOKENS)
}

/// What is registered for `servers`, the URLs of MCP servers as they were given to mcp-remote.
pub fn read(files: &[StoredFile<'_>], servers: &[String]) -> Result<Found, Unreadable> {
    let mut clients = newest(files, CLIENT_INFO);
    let mut logins = newest(files, TOKENS);
    let mut found = Found::default();
    for server in servers {
        let Some(file) = clients.remove(hash(server).as_str()) else {
            found.remarks.push(format!(
                "mcp-remote has no registration for {server}; with `--resource` or `--header` it keeps one of \
                 its own"
            ));
            continue;
        };
        let mut client = client(file.content, server)?;
        if let Some(file) = logins.remove(hash(server).as_str()) {
            let (login, remark) = login(file, files);
            client.remarks.push(remark.to_owned());
            client.login = login;
        }
        found.authenticators.push(client);
    }
    let unknown = clients.len();
    if unknown > 0 {
        found.remarks.push(format!(
            "mcp-remote knows {unknown} more by a hash alone: name a server with `--server URL`, as it was given to \
             mcp-remote"
        ));
    }
    Ok(found)
}

/// The refresh token in a file of tokens.
pub fn refresh_token(content: &[u8]) -> Option<PastedSecret> {
    let text = std::str::from_utf8(content).ok()?;
    let Ok(Value::Object(mut members)) = serde_json::from_str(text) else {
        return None;
    };
    match members.remove("refresh_token") {
        Some(Value::String(token)) if !token.is_empty() => Some(PastedSecret::new(token)),
        _ => None,
    }
}

/// The login in a file, if it can be moved, and what the person should know about it.
fn login(file: &StoredFile<'_>, files: &[StoredFile<'_>]) -> (Option<FoundLogin>, &'static str) {
    let Some(token) = refresh_token(file.content) else {
        return (None, "its login ends by itself: sign in here");
    };
    let holds = |other: &&StoredFile<'_>| refresh_token(other.content).as_ref() == Some(&token);
    if files.iter().filter(holds).count() > 1 {
        let why = "its login is in several files of mcp-remote, and stays there: sign in here once";
        return (None, why);
    }
    let login = FoundLogin {
        path: file.path.to_owned(),
        refresh_token: token,
    };
    let remark =
        "its login stays with mcp-remote unless you move it: only one of them can refresh it";
    (Some(login), remark)
}

/// The newest file of each hash whose name ends so.
fn newest<'a>(files: &'a [StoredFile<'a>], suffix: &str) -> BTreeMap<&'a str, &'a StoredFile<'a>> {
    let mut newest: BTreeMap<&str, &StoredFile<'_>> = BTreeMap::new();
    for file in files {
        let Some(hash) = file.name.strip_suffix(suffix) else {
            continue;
        };
        let known = newest.entry(hash).or_insert(file);
        if age(file.folder) > age(known.folder) {
            *known = file;
        }
    }
    newest
}

/// How new the layout is: `mcp-remote-v1` before any version, versions by their numbers, no folder last.
fn age(folder: &str) -> (bool, Vec<u64>) {
    let version = folder.strip_prefix("mcp-remote-").unwrap_or_default();
    let numbers = version
        .split(['.', '-'])
        .filter_map(|part| part.parse().ok());
    (folder == NEWEST, numbers.collect())
}

fn hash(server: &str) -> String {
    let mut hex = String::new();
    for byte in Md5::digest(server.as_bytes()) {
        write!(hex, "{byte:02x}").expect("a String takes everything");
    }
    hex
}

fn client(content: &[u8], server: &str) -> Result<FoundAuthenticator, Unreadable> {
    let broken = || {
        Unreadable::new(
            format!("the registration of mcp-remote for {server} is damaged"),
            "add the server itself: `valetkey add URL`",
        )
    };
    let text = std::str::from_utf8(content).map_err(|_| broken())?;
    let members: Map<String, Value> =
        file::object(file::json(text).map_err(|_| broken())?).map_err(|_| broken())?;
    let text = |field: &str| members.get(field).and_then(Value::as_str);
    let mut input = DraftInput::default();
    input.set("client_id", text("client_id").ok_or_else(broken)?);
    if let Some(secret) = text("client_secret") {
        input.set("client_secret", secret);
    }
    let uris = members.get("redirect_uris").and_then(Value::as_array);
    let mut uris = uris.into_iter().flatten().filter_map(Value::as_str);
    let is_http = |uri: &&str| Url::parse(uri).is_ok_and(|url| url.scheme() == "http");
    if let Some(uri) = uris.find(is_http) {
        input.set("redirect_uri", uri);
    }
    Ok(FoundAuthenticator {
        discover: Some(server.to_owned()),
        ..FoundAuthenticator::new(server, input)
    })
}

//! A refresh token that is moved here from the file of another tool. It has one holder at any time: the
//! file until it is gone from there, the keychain from then on. So what a kill of either program leaves
//! is decided by the file alone.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::SignedDuration;
use rustix::fs::OFlags;
use valetkey_core::freshness;
use valetkey_core::secret::RefreshToken;
use valetkey_core::token_import::TokenImport;
use zeroize::Zeroizing;

use super::end::End;
use super::token_import::NotImported;
use crate::error::AgentError;
use crate::state::Inner;

/// The other program removes the token at once; then it is waited for no longer.
const TIMEOUT: SignedDuration = SignedDuration::from_mins(1);
const CHECK_INTERVAL: Duration = Duration::from_millis(200);
/// Longest file that is searched.
const MAX_FILE: u64 = 1 << 20;
const MAX_PATH: usize = 4096;

/// The path as it is kept.
pub(super) fn check(path: &Path) -> Result<String, AgentError> {
    let text = path.to_str().filter(|_| path.is_absolute());
    let text = text.filter(|text| text.len() <= MAX_PATH && !text.contains('\0'));
    text.map(str::to_owned)
        .ok_or_else(|| AgentError::InvalidRequest {
            message: "the file that the token is moved from needs an absolute path".to_owned(),
            hint: None,
        })
}

/// Waits until the token is gone from the file that it is moved from, if there is one.
pub(super) async fn wait(inner: &Arc<Inner>, import: &TokenImport) -> Result<(), NotImported> {
    let Some(path) = import.moved_from.clone().filter(|_| !import.is_rotated) else {
        return Ok(());
    };
    let until = freshness::add(import.begun_at, TIMEOUT);
    loop {
        let held = is_held(&path, &import.token).await;
        if matches!(held, Ok(false)) {
            return Ok(());
        }
        // The clock may have been set back.
        let now = inner.now();
        let is_over = now >= until || now < import.begun_at;
        let end = || {
            End::failed(
                format!("`{path}` still holds the refresh token; nothing was imported"),
                "import it again, and let it be removed there",
            )
        };
        if is_over && held.is_ok() {
            return Err(NotImported::Over(end()));
        }
        if is_over || inner.stopping.load(Ordering::SeqCst) {
            // The file decides at the next start.
            return Err(NotImported::Later(end()));
        }
        inner.clock.sleep(CHECK_INTERVAL).await;
    }
}

/// Whether the file holds the token.
async fn is_held(path: &str, token: &RefreshToken) -> io::Result<bool> {
    let (path, token) = (path.to_owned(), token.clone());
    let search = tokio::task::spawn_blocking(move || search(Path::new(&path), &token));
    search.await.map_err(io::Error::other)?
}

/// In doubt it does: a token with two holders ends for both.
fn search(path: &Path, token: &RefreshToken) -> io::Result<bool> {
    // Without NONBLOCK, opening a pipe waits for its writer.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = match file {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    if !file.metadata()?.is_file() {
        return Ok(true);
    }
    let mut content = Zeroizing::new(Vec::with_capacity(64 << 10));
    file.take(MAX_FILE + 1).read_to_end(&mut content)?;
    let token = token.expose().as_bytes();
    let holds = content.windows(token.len()).any(|part| part == token);
    Ok(holds || content.len() as u64 > MAX_FILE)
}

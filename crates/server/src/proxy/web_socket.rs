//! A connection that was switched to WebSocket: bytes go both ways until one side ends or the agent
//! stops. Those from the host are searched for the token; frames from a host are not masked (RFC 6455,
//! section 5.1), and no compression was negotiated, so a token within one frame is found.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, split};
use tokio::time::timeout;

use super::scrub::Scrubber;
use crate::listeners::SwitchedConnection;
use crate::stop::Stop;

/// As for the end of a chunk of a body.
const HOLD_TIMEOUT: Duration = Duration::from_millis(50);
const BUFFER_BYTES: usize = 16 * 1024;

/// Both ends of a switched connection.
pub(super) struct WebSocket<F> {
    /// The program's end, once its response is sent.
    pub(super) program: OnUpgrade,
    pub(super) host: reqwest::Upgraded,
    pub(super) scrubber: Scrubber,
    /// Called when the token is found first.
    pub(super) alert: F,
    /// Keeps the listener's count right.
    pub(super) connection: Option<SwitchedConnection>,
}

impl<F: FnOnce() + Send + 'static> WebSocket<F> {
    /// Serves it in a task of its own.
    pub(super) fn spawn(self, stop: Stop) {
        tokio::spawn(async move {
            tokio::select! {
                () = self.serve() => {}
                () = stop.requested() => {}
            }
        });
    }

    async fn serve(self) {
        let Ok(program) = self.program.await else {
            return;
        };
        let (mut from_program, mut to_program) = split(TokioIo::new(program));
        let (from_host, mut to_host) = split(self.host);
        let upwards = async {
            copy(&mut from_program, &mut to_host).await?;
            to_host.shutdown().await
        };
        let downwards = scrubbed(from_host, &mut to_program, self.scrubber, self.alert);
        // How it ended is the affair of both sides.
        drop(tokio::try_join!(upwards, downwards));
        drop(self.connection);
    }
}

async fn scrubbed(
    mut from: impl AsyncRead + Unpin,
    to: &mut (impl AsyncWrite + Unpin),
    mut scrubber: Scrubber,
    alert: impl FnOnce(),
) -> io::Result<()> {
    let mut alert = Some(alert);
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(BUFFER_BYTES);
        let read = from.read_buf(&mut buffer);
        let read = if scrubber.is_holding() {
            timeout(HOLD_TIMEOUT, read).await.ok().transpose()?
        } else {
            Some(read.await?)
        };
        let (data, ended): (Bytes, bool) = match read {
            None => (scrubber.release(), false),
            Some(0) => (scrubber.release(), true),
            Some(_) => (scrubber.push(&buffer.split().freeze()), false),
        };
        if scrubber.take_found()
            && let Some(alert) = alert.take()
        {
            alert();
        }
        to.write_all(&data).await?;
        to.flush().await?;
        if ended {
            return to.shutdown().await;
        }
    }
}

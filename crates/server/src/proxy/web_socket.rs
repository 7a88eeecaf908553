//! A connection that was switched to WebSocket: bytes go both ways until one side ends, the agent stops,
//! or what let it begin is withdrawn; then a close frame tells the program why. Those from the host are searched for the token; frames from a host are not masked (RFC 6455,
//! section 5.1), and no compression was negotiated, so a token within one frame is found.

use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, sink, split};
use tokio::time::timeout;
use valetkey_agent::AgentError;

use super::body::Withdrawn;
use super::frames::FrameWriter;
use super::scrub::Scrubber;
use crate::listeners::SwitchedConnection;
use crate::stop::Stop;

const BUFFER_BYTES: usize = 16 * 1024;
/// Once one side has ended, the other one gets this long to do so.
const END_TIMEOUT: Duration = Duration::from_secs(10);
/// So long the program may take to read why its connection ends.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Both ends of a switched connection.
pub(super) struct WebSocket<F> {
    /// The program's end, once its response is sent.
    pub(super) program: OnUpgrade,
    pub(super) host: reqwest::Upgraded,
    pub(super) withdrawn: Withdrawn,
    pub(super) scrubber: Scrubber,
    /// Called when the token is found first.
    pub(super) alert: F,
    /// Keeps the listener's count right.
    pub(super) connection: Option<SwitchedConnection>,
}

impl<F: FnOnce() + Send + 'static> WebSocket<F> {
    /// Serves it in a task of its own.
    pub(super) fn spawn(self, stop: Stop) {
        tokio::spawn(self.serve(stop));
    }

    async fn serve(self, stop: Stop) {
        let _open = self.connection;
        let withdrawn = self.withdrawn;
        let mut ended = pin!(async {
            tokio::select! {
                error = withdrawn => error,
                () = stop.requested() => AgentError::Stopping,
            }
        });
        let program = tokio::select! {
            program = self.program => program,
            _ = &mut ended => return,
        };
        let Ok(program) = program else {
            return;
        };
        let (mut from_program, to_program) = split(TokioIo::new(program));
        let mut to_program = FrameWriter::new(to_program);
        let (from_host, mut to_host) = split(self.host);
        let upwards = async {
            copy(&mut from_program, &mut to_host).await?;
            to_host.shutdown().await
        };
        let downwards = scrubbed(from_host, &mut to_program, self.scrubber, self.alert);
        let error = tokio::select! {
            () = both(upwards, downwards) => return,
            error = &mut ended => error,
        };
        tracing::info!(%error, "a proxied WebSocket was closed");
        let close = async {
            to_program.close(&error).await?;
            copy(&mut from_program, &mut sink()).await
        };
        // Whether it reads that is the program's affair.
        timeout(CLOSE_TIMEOUT, close).await.ok();
    }
}

/// Until both sides have ended, or one of them failed. How it ended is their affair.
async fn both(
    upwards: impl Future<Output = io::Result<()>>,
    downwards: impl Future<Output = io::Result<()>>,
) {
    let (mut upwards, mut downwards) = (pin!(upwards), pin!(downwards));
    tokio::select! {
        ended = &mut upwards => if ended.is_ok() {
            timeout(END_TIMEOUT, downwards).await.ok();
        },
        ended = &mut downwards => if ended.is_ok() {
            timeout(END_TIMEOUT, upwards).await.ok();
        },
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
            timeout(scrubber.hold_timeout(), read)
                .await
                .ok()
                .transpose()?
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

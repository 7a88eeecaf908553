//! Where the frames of a WebSocket begin and end (RFC 6455, section 5.2), so that one of our own can be
//! sent between them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use valetkey_agent::AgentError;

/// Status codes of a close frame (RFC 6455, section 7.4.1; 1013 is in IANA's registry).
const GOING_AWAY: u16 = 1001;
const NOT_ALLOWED: u16 = 1008;
const TRY_AGAIN_LATER: u16 = 1013;
/// Longest reason in a close frame.
const MAX_REASON: usize = 123;

/// A writer that knows whether it is within a frame.
pub(super) struct FrameWriter<W> {
    writer: W,
    frames: Frames,
}

impl<W: AsyncWrite + Unpin> FrameWriter<W> {
    pub(super) fn new(writer: W) -> Self {
        Self {
            writer,
            frames: Frames::default(),
        }
    }

    /// Says why the connection ends, unless that would be within a frame.
    pub(super) async fn close(&mut self, why: &AgentError) -> io::Result<()> {
        if self.frames.is_between() {
            self.writer.write_all(&close_frame(why)).await?;
        }
        self.writer.shutdown().await
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for FrameWriter<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.writer).poll_write(cx, bytes))?;
        self.frames.pass(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_shutdown(cx)
    }
}

#[derive(Debug, Default)]
struct Frames {
    /// The beginning of a frame whose header is not whole.
    header: Vec<u8>,
    /// Bytes of the current frame's payload that are still to come.
    payload: u64,
}

impl Frames {
    fn pass(&mut self, mut bytes: &[u8]) {
        while let [first, rest @ ..] = bytes {
            if self.payload > 0 {
                let length = bytes
                    .len()
                    .min(self.payload.try_into().unwrap_or(usize::MAX));
                self.payload -= length as u64;
                bytes = &bytes[length..];
                continue;
            }
            self.header.push(*first);
            bytes = rest;
            if let Some(payload) = payload_length(&self.header) {
                self.payload = payload;
                self.header.clear();
            }
        }
    }

    fn is_between(&self) -> bool {
        self.header.is_empty() && self.payload == 0
    }
}

/// None if the header goes on.
fn payload_length(header: &[u8]) -> Option<u64> {
    let [_, second, rest @ ..] = header else {
        return None;
    };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let (length, extended) = match second & 0x7f {
        126 => (rest.get(..2)?, 2),
        127 => (rest.get(..8)?, 8),
        short => return (rest.len() == mask).then_some(short.into()),
    };
    let length = length
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    (rest.len() == extended + mask).then_some(length)
}

fn close_frame(why: &AgentError) -> Vec<u8> {
    let code = match why {
        AgentError::Stopping => GOING_AWAY,
        AgentError::Paused => TRY_AGAIN_LATER,
        _ => NOT_ALLOWED,
    };
    let mut reason = why.to_string();
    reason.truncate(reason.floor_char_boundary(MAX_REASON));
    let length = u8::try_from(2 + reason.len()).expect("at most 125");
    let mut frame = vec![0x88, length];
    frame.extend(code.to_be_bytes());
    frame.extend(reason.as_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_border_of_frames_is_found_however_they_are_cut() {
        let mut long = b"\x82\x7e\x01\x2c".to_vec();
        long.extend([7; 300]);
        let mut huge = b"\x82\x7f\0\0\0\0\0\x01\0\0".to_vec();
        huge.extend(vec![0x81; 65_536]);
        let masked = b"\x81\x83mask\x81\x02x";
        let frames = [
            b"\x89\x00".to_vec(),
            b"\x81\x02hi".to_vec(),
            long,
            huge,
            masked.to_vec(),
        ];
        let bytes = frames.concat();
        for size in [1, 2, 3, 7, 1_000, bytes.len()] {
            let mut seen = Frames::default();
            let mut borders = Vec::new();
            let mut at = 0;
            for piece in bytes.chunks(size) {
                at += piece.len();
                seen.pass(piece);
                borders.extend(seen.is_between().then_some(at));
            }
            let mut end = 0;
            let expected = frames.iter().map(|frame| {
                end += frame.len();
                end
            });
            let expected: Vec<usize> = expected
                .filter(|end| end % size == 0 || *end == bytes.len())
                .collect();
            assert_eq!(borders, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn a_close_frame_fits_into_its_length() {
        let frame = close_frame(&AgentError::Internal("ä".repeat(200)));
        assert_eq!(frame[..4], [0x88, 124, 0x03, 0xf0]);
        assert_eq!(frame.len(), 126);
        assert!(std::str::from_utf8(&frame[4..]).is_ok());
    }
}

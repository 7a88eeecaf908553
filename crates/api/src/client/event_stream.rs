//! Following the audit log: server-sent events in a chunked reply that does not end.
//!
//! It never blocks on what has not arrived, so that its reader can wait for other things, too.

use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use httparse::Status;

use super::response::{self, Started};
use super::{ClientError, RESPONSE_TIMEOUT, Timed, decode};
use crate::events::EventView;

/// Longest event, and longest chunk.
const MAX_EVENT: usize = 1 << 20;
const READ_SIZE: usize = 8 << 10;

/// The log as it grows. Readable once there is something new; dropping it hangs up.
#[derive(Debug)]
pub struct Follower {
    stream: UnixStream,
    /// As it came: chunks, the last one perhaps in part.
    raw: Vec<u8>,
    /// What the chunks held: events, the last one perhaps in part.
    text: Vec<u8>,
    ended: bool,
}

impl Follower {
    /// Reads the head of the reply.
    pub(super) fn begin(mut stream: UnixStream) -> Result<Self, ClientError> {
        let started = response::start(&mut Timed {
            stream: &mut stream,
            until: Instant::now() + RESPONSE_TIMEOUT,
        });
        match started? {
            Started::Stream(raw) => {
                stream.set_read_timeout(None)?;
                Self::new(stream, raw)
            }
            Started::Whole(response) => Err(match decode::<serde_json::Value>(&response) {
                Err(error) => error,
                Ok(_) => unusable("it does not stream"),
            }),
        }
    }

    /// After the head; `raw` came along with it.
    fn new(stream: UnixStream, raw: Vec<u8>) -> Result<Self, ClientError> {
        let mut follower = Self {
            stream,
            raw,
            text: Vec::new(),
            ended: false,
        };
        follower.unwrap_chunks()?;
        Ok(follower)
    }

    /// Reads what has arrived, which may be a part of an event or a keep-alive comment; waits where
    /// nothing has.
    pub fn read(&mut self) -> Result<(), ClientError> {
        let mut bytes = [0; READ_SIZE];
        let read = loop {
            match self.stream.read(&mut bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.ended |= read == 0;
        self.raw.extend_from_slice(&bytes[..read]);
        self.unwrap_chunks()
    }

    /// Whether nothing more will come: the agent has ended.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    fn unwrap_chunks(&mut self) -> Result<(), ClientError> {
        let mut at = 0;
        while let Some((start, length)) = chunk(&self.raw[at..])? {
            let (start, end) = (at + start, at + start + length);
            if self.raw.len() < end + 2 {
                break;
            }
            if &self.raw[end..end + 2] != b"\r\n" {
                return Err(unusable("a chunk is longer than it says"));
            }
            self.ended |= length == 0;
            self.text.extend_from_slice(&self.raw[start..end]);
            at = end + 2;
        }
        self.raw.drain(..at);
        Ok(())
    }

    /// The events that are complete. To be asked before waiting: some come along with the head.
    pub fn take_events(&mut self) -> Result<Vec<EventView>, ClientError> {
        let mut events = Vec::new();
        while let Some(end) = self.text.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = self.text.drain(..end + 2).collect();
            for line in block.split(|byte| *byte == b'\n') {
                if let Some(json) = line.strip_prefix(b"data: ") {
                    let event = serde_json::from_slice(json);
                    events.push(event.map_err(|_| unusable("an event cannot be read"))?);
                }
            }
        }
        if self.text.len() > MAX_EVENT {
            return Err(unusable("an event is too long"));
        }
        Ok(events)
    }
}

impl AsFd for Follower {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Where the data of the first chunk starts, and its length; None if that has not arrived.
fn chunk(raw: &[u8]) -> Result<Option<(usize, usize)>, ClientError> {
    match httparse::parse_chunk_size(raw) {
        Ok(Status::Complete((start, length))) => usize::try_from(length)
            .ok()
            .filter(|length| *length <= MAX_EVENT)
            .map(|length| Some((start, length)))
            .ok_or_else(|| unusable("a chunk is too long")),
        Ok(Status::Partial) if raw.len() < READ_SIZE => Ok(None),
        Ok(Status::Partial) | Err(_) => Err(unusable("a chunk has no length")),
    }
}

fn unusable(why: &str) -> ClientError {
    ClientError::Protocol(why.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const EVENT: &str = r#"{"id":7,"at":"2026-11-21T08:00:00Z","kind":"agent.started","connection_id":null,"connection":null,"authenticator_id":null,"authenticator":null,"session_id":null,"actor":null,"detail":null}"#;

    #[test]
    fn events_are_found_wherever_the_chunks_are_cut() {
        let text = format!(": keep-alive\n\nid: 7\nevent: agent.started\ndata: {EVENT}\n\n");
        for cut in 0..text.len() {
            let (first, second) = text.split_at(cut);
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            let mut follower = Follower::new(ours, Vec::new()).unwrap();
            for part in [first, second] {
                // An empty chunk would end the body.
                if !part.is_empty() {
                    write!(theirs, "{:x}\r\n{part}\r\n", part.len()).unwrap();
                }
            }
            write!(theirs, "0\r\n\r\n").unwrap();
            let mut ids = Vec::new();
            while !follower.has_ended() {
                follower.read().unwrap();
                let events = follower.take_events().unwrap();
                ids.extend(events.into_iter().map(|event| event.id.0));
            }
            assert_eq!(ids, [7], "{cut}");
        }
    }

    #[test]
    fn what_is_no_stream_of_events_is_refused() {
        for raw in ["x\r\n", "3\r\nabcde", "fffffff\r\n", "8\r\ndata: x\n\n\r\n"] {
            let (ours, theirs) = UnixStream::pair().unwrap();
            drop(theirs);
            let read = Follower::new(ours, raw.into()).and_then(|mut log| log.take_events());
            assert!(matches!(read, Err(ClientError::Protocol(_))), "{raw}");
        }
    }
}

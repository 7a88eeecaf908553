//! Reads one HTTP/1.1 response (RFC 9112, section 6.3) from a stream that may say anything.
//!
//! Everything is bounded: the head, the number of headers, the body. What is framed in two ways at
//! once is refused, never guessed.

use std::fmt;
use std::io::{self, Read};

use httparse::{EMPTY_HEADER, Status};
use valetkey_core::secret_json;
use zeroize::Zeroizing;

/// Longest head of a response.
const MAX_HEAD: usize = 16 << 10;
/// Most headers.
const MAX_HEADERS: usize = 64;
/// Longest body: a list of ten thousand connections fits.
const MAX_BODY: usize = 32 << 20;
/// Read at once: a token response fits.
const READ_SIZE: usize = 8 << 10;

/// A whole response.
#[derive(PartialEq, Eq)]
pub(super) struct Response {
    /// 200 and the like.
    pub(super) status: u16,
    /// Decoded; wiped on drop, since it may be a token.
    pub(super) body: Zeroizing<Vec<u8>>,
    /// Whether the connection can carry another request.
    pub(super) keep_alive: bool,
}

/// The body may be a token.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("keep_alive", &self.keep_alive)
            .finish_non_exhaustive()
    }
}

/// Why there is no response.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The stream ended before the first byte.
    Closed,
    /// Reading failed.
    Io(io::Error),
    /// It is no response that we take.
    Bad(&'static str),
}

impl ReadError {
    /// Whether the other side hung up before it said anything.
    pub(super) fn is_hang_up(&self) -> bool {
        match self {
            Self::Closed => true,
            Self::Io(error) => matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
            ),
            Self::Bad(_) => false,
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Where the body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

struct Head {
    length: usize,
    status: u16,
    framing: Framing,
    keep_alive: bool,
}

/// Reads one response; interim ones (1xx) are passed over.
pub(super) fn read(stream: &mut impl Read) -> Result<Response, ReadError> {
    let mut input = Input::new(stream);
    let head = input.last_head()?;
    input.response(&head)
}

/// A response whose body may go on.
pub(super) enum Started {
    /// It does, in chunks; this much of it came along with the head.
    Stream(Vec<u8>),
    /// It does not.
    Whole(Response),
}

/// Reads a response, but no more than the head of one that succeeds and is chunked.
pub(super) fn start(stream: &mut impl Read) -> Result<Started, ReadError> {
    let mut input = Input::new(stream);
    let head = input.last_head()?;
    if head.status == 200 && head.framing == Framing::Chunked {
        return Ok(Started::Stream(input.bytes[input.at..].to_vec()));
    }
    Ok(Started::Whole(input.response(&head)?))
}

/// What came so far; `at` is where the next thing begins.
struct Input<'a, R> {
    stream: &'a mut R,
    bytes: Zeroizing<Vec<u8>>,
    at: usize,
}

impl<'a, R: Read> Input<'a, R> {
    fn new(stream: &'a mut R) -> Self {
        Self {
            stream,
            bytes: Zeroizing::new(Vec::with_capacity(READ_SIZE)),
            at: 0,
        }
    }

    /// The first head that is not interim.
    fn last_head(&mut self) -> Result<Head, ReadError> {
        loop {
            let head = self.head()?;
            self.at += head.length;
            if !(100..200).contains(&head.status) {
                return Ok(head);
            }
        }
    }

    fn response(&mut self, head: &Head) -> Result<Response, ReadError> {
        let body = match head.framing {
            Framing::Length(length) => self.exactly(length)?,
            Framing::Chunked => self.chunks()?,
            Framing::UntilClose => self.rest()?,
        };
        let complete = self.at == self.bytes.len();
        Ok(Response {
            status: head.status,
            body,
            keep_alive: head.keep_alive && complete,
        })
    }

    /// Reads some more; 0 at the end.
    fn more(&mut self) -> Result<usize, ReadError> {
        let old = self.bytes.len();
        secret_json::reserve(&mut self.bytes, READ_SIZE);
        self.bytes.resize(old + READ_SIZE, 0);
        let read = loop {
            match self.stream.read(&mut self.bytes[old..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.bytes
            .truncate(old + read.as_ref().map_or(0, |read| *read));
        Ok(read?)
    }

    fn head(&mut self) -> Result<Head, ReadError> {
        loop {
            if let Some(head) = parse_head(&self.bytes[self.at..])? {
                return Ok(head);
            }
            if self.bytes.len() - self.at > MAX_HEAD {
                return Err(ReadError::Bad("its head is too long"));
            }
            if self.more()? == 0 {
                return Err(if self.bytes.is_empty() {
                    ReadError::Closed
                } else {
                    ReadError::Bad("it ends within its head")
                });
            }
        }
    }

    fn exactly(&mut self, length: usize) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        if length > MAX_BODY {
            return Err(ReadError::Bad("it is too long"));
        }
        while self.bytes.len() - self.at < length {
            if self.more()? == 0 {
                return Err(ReadError::Bad("it ends within its body"));
            }
        }
        let body = self.bytes[self.at..self.at + length].to_vec();
        self.at += length;
        Ok(Zeroizing::new(body))
    }

    fn rest(&mut self) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        while self.more()? != 0 {
            if self.bytes.len() - self.at > MAX_BODY {
                return Err(ReadError::Bad("it is too long"));
            }
        }
        self.exactly(self.bytes.len() - self.at)
    }

    fn chunks(&mut self) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        let mut body = Zeroizing::new(Vec::new());
        loop {
            let length = self.chunk_length()?;
            if length == 0 {
                while !self.line()?.is_empty() {}
                return Ok(body);
            }
            if length > MAX_BODY - body.len() {
                return Err(ReadError::Bad("it is too long"));
            }
            secret_json::append(&mut body, &self.exactly(length)?);
            if !self.line()?.is_empty() {
                return Err(ReadError::Bad("a chunk is longer than it says"));
            }
        }
    }

    fn chunk_length(&mut self) -> Result<usize, ReadError> {
        loop {
            match httparse::parse_chunk_size(&self.bytes[self.at..]) {
                Ok(Status::Complete((used, length))) => {
                    self.at += used;
                    return usize::try_from(length).map_err(|_| ReadError::Bad("it is too long"));
                }
                Ok(Status::Partial) => self.more_of_a_line()?,
                Err(_) => return Err(ReadError::Bad("a chunk has no length")),
            }
        }
    }

    /// The next line, without its end.
    fn line(&mut self) -> Result<Vec<u8>, ReadError> {
        loop {
            let unread = &self.bytes[self.at..];
            if let Some(end) = unread.windows(2).position(|pair| pair == b"\r\n") {
                let line = unread[..end].to_vec();
                self.at += end + 2;
                return Ok(line);
            }
            self.more_of_a_line()?;
        }
    }

    fn more_of_a_line(&mut self) -> Result<(), ReadError> {
        if self.bytes.len() - self.at > MAX_HEAD {
            return Err(ReadError::Bad("a line is too long"));
        }
        match self.more()? {
            0 => Err(ReadError::Bad("it ends within its body")),
            _ => Ok(()),
        }
    }
}

/// The head at the start of `bytes`; None if it is not complete yet.
fn parse_head(bytes: &[u8]) -> Result<Option<Head>, ReadError> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(_) => return Err(ReadError::Bad("it is no HTTP response")),
    };
    let status = response.code.unwrap_or_default();
    let mut content_length = None;
    let mut chunked = false;
    let mut keep_alive = response.version == Some(1);
    for header in response.headers.iter() {
        let value = header.value.trim_ascii();
        if header.name.eq_ignore_ascii_case("content-length") {
            let length = decimal(value).ok_or(ReadError::Bad("its length is no number"))?;
            if content_length.is_some_and(|other| other != length) {
                return Err(ReadError::Bad("it has two lengths"));
            }
            content_length = Some(length);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.eq_ignore_ascii_case(b"chunked") || chunked {
                return Err(ReadError::Bad("its encoding is unknown"));
            }
            chunked = true;
        } else if header.name.eq_ignore_ascii_case("connection")
            && value.eq_ignore_ascii_case(b"close")
        {
            keep_alive = false;
        }
    }
    let framing = match (status, chunked, content_length) {
        (100..=199 | 204 | 304, _, _) => Framing::Length(0),
        (_, true, Some(_)) => return Err(ReadError::Bad("it is framed in two ways")),
        (_, true, None) => Framing::Chunked,
        (_, false, Some(length)) => Framing::Length(length),
        (_, false, None) => Framing::UntilClose,
    };
    Ok(Some(Head {
        length,
        status,
        framing,
        keep_alive: keep_alive && framing != Framing::UntilClose,
    }))
}

fn decimal(value: &[u8]) -> Option<usize> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value)
        .ok()
        .filter(|_| digits)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests;

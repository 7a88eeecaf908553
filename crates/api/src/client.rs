//! The blocking client over the Unix socket: one request, one response, no thread, no runtime.
//!
//! It is small because `valetkey token` is one process per token. A GET is sent once more if the
//! agent had closed the kept connection meanwhile; anything else goes over a fresh connection, so
//! that no change is ever made twice.

mod event_stream;
mod peer;
mod response;
mod routes;
mod target;

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::geteuid;
use serde::de::DeserializeOwned;
use valetkey_core::home::Home;
use valetkey_core::name::ProfileName;

use crate::endpoint::Endpoint;
use crate::error::{ApiError, ErrorBody};
pub use event_stream::Follower;
use peer::is_served_by;
use response::{ReadError, Response};
pub use routes::Watch;
use target::Target;

/// How long a response may take: a token may have to wait for the person, at most three minutes, for the
/// provider and for the keychain.
const RESPONSE_TIMEOUT: Duration = Duration::from_mins(5);

/// Why a request brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No agent runs in this home.
    #[error("no agent is running")]
    NotRunning,
    /// Another user's program listens there. Nothing was sent.
    #[error("`{}` is served by another user", .0.display())]
    OtherUser(PathBuf),
    /// The agent refused the request.
    #[error(transparent)]
    Api(Box<ApiError>),
    /// The agent did not answer in time.
    #[error("the agent did not answer in time")]
    TimedOut,
    /// The agent ended, or was killed, before it answered: it may have done what was asked.
    #[error("the agent ended before it answered")]
    Ended,
    /// What answered does not implement our API: another version, perhaps.
    #[error("the agent's response cannot be used: {0}")]
    Protocol(String),
    /// The socket failed.
    #[error("the agent cannot be reached: {0}")]
    Io(#[from] io::Error),
}

/// A client of the agent of one home.
#[derive(Debug)]
pub struct Client {
    socket: PathBuf,
    profile: Option<ProfileName>,
    connection: Option<Connection>,
}

#[derive(Debug)]
struct Connection {
    stream: UnixStream,
    /// Whether it carried a request: the agent may have closed it since.
    used: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Get,
    Post,
    Patch,
    Delete,
}

impl Method {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl Client {
    /// Connects to the agent of `home`. Names are looked up in `profile` (none: `default`), lists
    /// show only that profile (none: all).
    pub fn connect(home: &Home, profile: Option<&ProfileName>) -> Result<Self, ClientError> {
        for socket in Endpoint::sockets(home) {
            match Self::connect_to(socket, profile.cloned()) {
                Err(ClientError::NotRunning) => {}
                result => return result,
            }
        }
        Err(ClientError::NotRunning)
    }

    /// Connects to this socket.
    pub fn connect_to(socket: PathBuf, profile: Option<ProfileName>) -> Result<Self, ClientError> {
        let mut client = Self {
            socket,
            profile,
            connection: None,
        };
        client.connection = Some(client.open()?);
        Ok(client)
    }

    fn open(&self) -> Result<Connection, ClientError> {
        match UnixStream::connect(&self.socket) {
            Ok(stream) if is_served_by(&stream, geteuid())? => Ok(Connection {
                stream,
                used: false,
            }),
            Ok(_) => Err(ClientError::OtherUser(self.socket.clone())),
            Err(error) => Err(match error.kind() {
                // What is wrong with the folder is for the agent to say, when it starts.
                io::ErrorKind::NotFound
                | io::ErrorKind::NotADirectory
                | io::ErrorKind::ConnectionRefused => ClientError::NotRunning,
                kind => {
                    let socket = self.socket.display();
                    ClientError::Io(io::Error::new(kind, format!("`{socket}`: {error}")))
                }
            }),
        }
    }

    fn get<T: DeserializeOwned>(&mut self, target: &Target) -> Result<T, ClientError> {
        self.call(Method::Get, target, "")
    }

    fn post<T: DeserializeOwned>(&mut self, target: &Target, body: &str) -> Result<T, ClientError> {
        self.call(Method::Post, target, body)
    }

    fn patch<T: DeserializeOwned>(
        &mut self,
        target: &Target,
        body: &str,
    ) -> Result<T, ClientError> {
        self.call(Method::Patch, target, body)
    }

    fn delete<T: DeserializeOwned>(&mut self, target: &Target) -> Result<T, ClientError> {
        self.call(Method::Delete, target, "")
    }

    fn call<T: DeserializeOwned>(
        &mut self,
        method: Method,
        target: &Target,
        body: &str,
    ) -> Result<T, ClientError> {
        decode(&self.exchange(method, target, body)?)
    }

    fn exchange(
        &mut self,
        method: Method,
        target: &Target,
        body: &str,
    ) -> Result<Response, ClientError> {
        let repeatable = method == Method::Get;
        let mut connection = match self.connection.take() {
            Some(connection) if repeatable || !connection.used => connection,
            Some(_) | None => self.open()?,
        };
        let mut result = connection.exchange(method, target, body);
        if repeatable && connection.used && result.as_ref().is_err_and(ReadError::is_hang_up) {
            connection = self.open()?;
            result = connection.exchange(method, target, body);
        }
        let response = result?;
        if response.keep_alive {
            self.connection = Some(Connection {
                used: true,
                ..connection
            });
        }
        Ok(response)
    }
}

impl Connection {
    fn exchange(
        &mut self,
        method: Method,
        target: &Target,
        body: &str,
    ) -> Result<Response, ReadError> {
        send(&mut self.stream, method, target, body)?;
        receive(&mut self.stream, RESPONSE_TIMEOUT)
    }
}

fn send(stream: &mut UnixStream, method: Method, target: &Target, body: &str) -> io::Result<()> {
    let mut request = zeroize::Zeroizing::new(String::with_capacity(256 + body.len()));
    for part in [
        method.as_str(),
        " ",
        target.as_str(),
        " HTTP/1.1\r\nhost: valetkey\r\n",
    ] {
        request.push_str(part);
    }
    if method == Method::Post || method == Method::Patch {
        request.push_str("content-type: application/json\r\ncontent-length: ");
        request.push_str(&body.len().to_string());
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    request.push_str(body);
    stream.set_write_timeout(Some(RESPONSE_TIMEOUT))?;
    stream.write_all(request.as_bytes())
}

fn receive(stream: &mut UnixStream, timeout: Duration) -> Result<Response, ReadError> {
    response::read(&mut Timed {
        stream,
        until: Instant::now() + timeout,
    })
}

/// A stream whose reads end at a moment, however slowly the bytes drip.
struct Timed<'a> {
    stream: &'a mut UnixStream,
    until: Instant,
}

impl Read for Timed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(into)
    }
}

impl From<ReadError> for ClientError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Closed => Self::Ended,
            ReadError::Io(_) if error.is_hang_up() => Self::Ended,
            ReadError::Io(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                Self::TimedOut
            }
            ReadError::Io(error) => Self::Io(error),
            ReadError::Bad(why) => Self::Protocol(why.to_owned()),
        }
    }
}

fn decode<T: DeserializeOwned>(response: &Response) -> Result<T, ClientError> {
    if (200..300).contains(&response.status) {
        return serde_json::from_slice(&response.body).map_err(|error| {
            // Only the place: the text may quote a secret.
            ClientError::Protocol(format!(
                "unexpected JSON at line {}, column {}",
                error.line(),
                error.column()
            ))
        });
    }
    match serde_json::from_slice::<ErrorBody>(&response.body) {
        Ok(body) => Err(ClientError::Api(Box::new(body.detail))),
        Err(_) => Err(ClientError::Protocol(format!("HTTP {}", response.status))),
    }
}

#[cfg(test)]
mod tests;

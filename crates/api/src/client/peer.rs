//! Who serves a socket. A path under the temporary folder can be another user's once our agent is
//! gone, and a request may hold a client secret: so this is asked before anything is sent.

use std::io;
use std::os::unix::net::UnixStream;

/// Whether the process that listens at the other end runs as this user.
#[cfg(target_os = "linux")]
pub(super) fn is_served_by(stream: &UnixStream, uid: rustix::process::Uid) -> io::Result<bool> {
    Ok(rustix::net::sockopt::socket_peercred(stream)?.uid == uid)
}

/// Whether nobody but this user can have bound the socket: the kernel names the peer only on Linux.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_served_by(stream: &UnixStream, uid: rustix::process::Uid) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let address = stream.peer_addr()?;
    let Some(folder) = address.as_pathname().and_then(|path| path.parent()) else {
        return Ok(false);
    };
    let found = std::fs::symlink_metadata(folder)?;
    Ok(found.is_dir() && found.uid() == uid.as_raw() && found.mode() & 0o077 == 0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::net::UnixListener;

    use rustix::process::{Uid, geteuid};

    use super::*;

    #[test]
    fn another_users_server_is_told_from_ours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.sock");
        let _listener = UnixListener::bind(&path).unwrap();
        let stream = UnixStream::connect(&path).unwrap();
        let other = Uid::from_raw(geteuid().as_raw() ^ 1);
        assert!(is_served_by(&stream, geteuid()).unwrap());
        assert!(!is_served_by(&stream, other).unwrap());
    }
}

//! A TCP port whose connections lead to a Unix socket, for programs that know TCP only.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;

/// Opens one on loopback, for as long as this process runs.
pub fn open(socket: &Path) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let socket = socket.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let socket = socket.clone();
            thread::spawn(move || connect(&stream, socket));
        }
    });
    address
}

/// Until one side closes.
fn connect(tcp: &TcpStream, socket: PathBuf) {
    let Ok(unix) = UnixStream::connect(socket) else {
        return;
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = io::copy(&mut &*tcp, &mut &unix);
            let _ = unix.shutdown(Shutdown::Both);
        });
        let _ = io::copy(&mut &unix, &mut &*tcp);
        let _ = tcp.shutdown(Shutdown::Both);
    });
}

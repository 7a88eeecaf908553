use proptest::prelude::*;

use super::*;

/// Gives the bytes in pieces, as a socket does.
struct Pieces<'a> {
    bytes: &'a [u8],
    piece: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.piece.min(into.len()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(length);
        into[..length].copy_from_slice(now);
        self.bytes = later;
        Ok(length)
    }
}

fn read_in(piece: usize, bytes: &[u8]) -> Result<Response, ReadError> {
    read(&mut Pieces { bytes, piece })
}

fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.chunks(size) {
        wire.extend(format!("{:x};ext=1\r\n", chunk.len()).bytes());
        wire.extend(chunk);
        wire.extend(b"\r\n");
    }
    wire.extend(b"0\r\nTrailer: x\r\n\r\n");
    wire
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), piece in 1usize..50) {
        let _ = read_in(piece, &bytes);
    }

    #[test]
    fn no_body_makes_it_panic(
        head in prop_oneof![
            Just("Transfer-Encoding: chunked"), Just("Content-Length: 7"), Just("X: y"),
            Just("Content-Length: 99999999999999999999"), Just("Content-Length: -1"),
        ],
        body in "[0-9a-f\r\n;]{0,60}",
        piece in 1usize..20,
    ) {
        let _ = read_in(piece, format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}").as_bytes());
    }

    #[test]
    fn the_body_is_the_same_however_it_is_cut(
        body in proptest::collection::vec(any::<u8>(), 0..2000), size in 1usize..500, piece in 1usize..500,
    ) {
        let mut plain = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
        plain.extend(&body);
        for wire in [plain, chunked(&body, size)] {
            let response = read_in(piece, &wire).unwrap();
            prop_assert_eq!(&*response.body, &body);
            prop_assert!(response.keep_alive);
        }
    }

    #[test]
    fn a_reply_that_is_cut_short_is_an_error(body in "[a-z]{1,50}", cut in 1usize..60) {
        let wire = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let end = wire.len().saturating_sub(cut);
        prop_assert!(read_in(7, &wire.as_bytes()[..end]).is_err());
    }
}

#[test]
fn interim_replies_are_passed_over() {
    let wire = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    assert_eq!(read_in(3, wire).unwrap().status, 204);
}

#[test]
fn a_body_without_length_ends_with_the_stream() {
    let response = read_in(3, b"HTTP/1.1 200 OK\r\n\r\nhello").unwrap();
    assert_eq!(&**response.body, b"hello");
    assert!(!response.keep_alive);
}

#[test]
fn an_empty_stream_is_closed_and_not_bad() {
    assert!(matches!(read_in(1, b""), Err(ReadError::Closed)));
}

#[test]
fn two_framings_are_refused() {
    for head in [
        "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Content-Length: 1\r\nContent-Length: 2",
        "Transfer-Encoding: gzip",
    ] {
        let wire = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\nx");
        let result = read_in(100, wire.as_bytes());
        assert!(matches!(result, Err(ReadError::Bad(_))), "{head}");
    }
}

#[test]
fn more_than_the_limit_is_refused() {
    let long = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
        MAX_BODY + 1
    );
    let heads = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(2 * MAX_HEAD));
    let chunk = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n",
        MAX_BODY + 1
    );
    for wire in [long, heads, chunk] {
        assert!(matches!(
            read_in(4096, wire.as_bytes()),
            Err(ReadError::Bad(_))
        ));
    }
}

//! The rate limit of each client, at both listeners.

use std::time::Duration;

use tokio::time::timeout;
use valetkey_server::listeners::{Limits, Rate};

use crate::fixture::TIMEOUT;
use crate::listeners::{open, say};

#[tokio::test]
async fn a_client_that_asks_too_often_is_told_when_to_go_on() {
    let listeners = open(Limits {
        rate: Rate {
            per_second: 1,
            burst: 5,
        },
        ..Limits::default()
    });
    let plain = "GET /who HTTP/1.1\r\nhost: valetkey\r\n\r\n";
    // One connection that is kept, and one for each request: they are one program.
    let kept = plain.repeat(3).trim_end().to_owned() + "\r\nconnection: close\r\n\r\n";
    let answers = say(listeners.socket().await, &kept).await;
    assert_eq!(answers.matches("200 OK").count(), 3, "{answers}");
    let last = plain.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    for _ in 0..2 {
        let answer = say(listeners.socket().await, &last).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let refused = say(listeners.socket().await, &last).await;
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    assert!(refused.contains("retry-after: 1\r\n"), "{refused}");
    assert!(refused.contains(r#""code":"rate_limited""#), "{refused}");
    let proxied = last.replace("/who", "/proxy/x/y");
    let proxied = say(listeners.socket().await, &proxied).await;
    assert!(proxied.starts_with("HTTP/1.1 429"), "{proxied}");
    assert!(proxied.contains("application/problem+json"), "{proxied}");

    // A key is a client of its own.
    for status in [200, 200, 200, 200, 200, 429] {
        let answer = say(listeners.tcp().await, &listeners.keyed("/who")).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
    }
    // Refused requests cost nothing: a second later one is served.
    let served = async {
        while !say(listeners.socket().await, &last)
            .await
            .starts_with("HTTP/1.1 200")
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(TIMEOUT, served).await.expect("it goes on");
}

//! The baseline: a bare axum server on a Unix socket, one thread, that answers fixed bytes.

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;

pub(crate) fn serve(socket: &str, body: &str) {
    let body = Bytes::from(std::fs::read(body).expect("the body is readable"));
    let answer = move |_request: Bytes| {
        let body = body.clone();
        async move { ([(CONTENT_TYPE, "application/json")], body) }
    };
    let router = Router::new().route("/api/v1/credentials/connections/{id}/token", post(answer));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::UnixListener::bind(socket).expect("a free socket");
        axum::serve(listener, router)
            .await
            .expect("it serves until it is killed");
    });
}

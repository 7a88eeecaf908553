//! The shell's own requests: into the same router as everybody's, as the window.

use axum::Router;
use axum::body::Body;
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt as _;
use valetkey_api::error::{ApiError, ErrorBody, ErrorCode};
use valetkey_server::caller::Caller;
use valetkey_server::{App, router};

/// A cheap handle on the API, in this process.
#[derive(Clone)]
pub(crate) struct Face(Router);

/// What the API says no with.
pub(crate) type Refusal = Box<ApiError>;

/// A whole reply.
#[derive(Debug, Serialize)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Face {
    pub(crate) fn new(app: App) -> Self {
        Self(router(app))
    }

    /// Sends a request and returns as soon as its reply begins.
    pub(crate) async fn begin(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Response<Body>, Refusal> {
        if !path.starts_with("/api/v1/") {
            let words = "the window speaks to `/api/v1/` only";
            return Err(ApiError::new(ErrorCode::NotFound, words).into());
        }
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header(http::header::CONTENT_TYPE, "application/json");
        }
        let mut request = request
            .body(Body::from(body.unwrap_or_default()))
            .map_err(|error| ApiError::new(ErrorCode::InvalidRequest, error.to_string()))?;
        request.extensions_mut().insert(Caller::Window);
        match self.0.clone().oneshot(request).await {
            Ok(response) => Ok(response),
            Err(never) => match never {},
        }
    }

    /// Sends a request and reads its whole reply.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Reply, Refusal> {
        let response = self.begin(method, path, body).await?;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.map_err(broken)?;
        let body = String::from_utf8_lossy(&bytes.to_bytes()).into_owned();
        Ok(Reply { status, body })
    }

    /// A typed request.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<T, Refusal> {
        let body = body.map(|body| serde_json::to_string(body).expect("request types serialise"));
        let reply = self.ask(method, path, body).await?;
        if reply.status < 400 {
            return serde_json::from_str(&reply.body).map_err(broken);
        }
        let refused: ErrorBody = serde_json::from_str(&reply.body).map_err(broken)?;
        Err(refused.detail.into())
    }

    /// A typed GET.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refusal> {
        self.call(Method::GET, path, None::<&()>).await
    }
}

fn broken(error: impl std::fmt::Display) -> Refusal {
    ApiError::new(
        ErrorCode::Internal,
        format!("the reply cannot be read: {error}"),
    )
    .into()
}

/// A refusal as a person reads it: what went wrong, why, what to do.
pub(crate) fn words(error: &ApiError) -> String {
    let parts = [
        Some(&error.message),
        error.reason.as_ref(),
        error.hint.as_ref(),
    ];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    parts.join("\n\n")
}

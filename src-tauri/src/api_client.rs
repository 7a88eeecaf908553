//! The shell's own requests: they go to the same router as everybody's, as the window
//! or another part of the app.

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

use crate::commands::ApiReply;

/// A cheap handle on the API of this process.
#[derive(Clone)]
pub(crate) struct ApiClient {
    router: Router,
    caller: Caller,
}

impl ApiClient {
    pub(crate) fn new(app: App) -> Self {
        Self {
            router: router(app),
            caller: Caller::Window,
        }
    }

    /// The same API for another part of the app, which the audit log names.
    pub(crate) fn acting_as(&self, caller: Caller) -> Self {
        Self {
            router: self.router.clone(),
            caller,
        }
    }

    /// Sends a request and returns when the response begins.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Response<Body>, Box<ApiError>> {
        if !path.starts_with("/api/v1/") {
            let message = "the window may request `/api/v1/` only";
            return Err(ApiError::new(ErrorCode::NotFound, message).into());
        }
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header(http::header::CONTENT_TYPE, "application/json");
        }
        let mut request = request
            .body(Body::from(body.unwrap_or_default()))
            .map_err(|error| ApiError::new(ErrorCode::InvalidRequest, error.to_string()))?;
        request.extensions_mut().insert(self.caller.clone());
        match self.router.clone().oneshot(request).await {
            Ok(response) => Ok(response),
            Err(never) => match never {},
        }
    }

    /// Sends a request and reads the whole response.
    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<ApiReply, Box<ApiError>> {
        let response = self.send(method, path, body).await?;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.map_err(unreadable)?;
        let body = String::from_utf8_lossy(&bytes.to_bytes()).into_owned();
        Ok(ApiReply { status, body })
    }

    /// A typed request.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<T, Box<ApiError>> {
        let body = body.map(|body| serde_json::to_string(body).expect("request types serialise"));
        let reply = self.request(method, path, body).await?;
        if reply.status < 400 {
            return serde_json::from_str(&reply.body).map_err(unreadable);
        }
        let error: ErrorBody = serde_json::from_str(&reply.body).map_err(unreadable)?;
        Err(error.detail.into())
    }

    /// A typed GET.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Box<ApiError>> {
        self.call(Method::GET, path, None::<&()>).await
    }
}

fn unreadable(error: impl std::fmt::Display) -> Box<ApiError> {
    ApiError::new(
        ErrorCode::Internal,
        format!("the reply cannot be read: {error}"),
    )
    .into()
}

/// An error as text: what happened, why, what to do.
pub(crate) fn describe(error: &ApiError) -> String {
    let parts = [
        Some(&error.message),
        error.reason.as_ref(),
        error.hint.as_ref(),
    ];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    parts.join("\n\n")
}

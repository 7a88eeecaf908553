//! What the audit log says about a request: one event each, whatever becomes of it.

use axum::response::Response;
use http::Method;
use valetkey_agent::{Actor, Agent, ProxiedRequest};
use valetkey_api::core::api_host::ApiHost;
use valetkey_api::core::id::ConnectionId;

use super::address::Address;
use super::failure::Failure;

/// Longest path in the log, in bytes.
const MAX_PATH: usize = 512;

/// The event of one request. One that is dropped unfinished says that the program hung up.
pub(super) struct Record {
    agent: Agent,
    request: Option<ProxiedRequest>,
}

impl Record {
    pub(super) fn new(
        agent: &Agent,
        id: ConnectionId,
        who: &Actor,
        method: &Method,
        address: Address<'_>,
    ) -> Self {
        // ASCII, as checked.
        let path: String = address.path.as_str().chars().take(MAX_PATH).collect();
        Self {
            agent: agent.clone(),
            request: Some(ProxiedRequest {
                id,
                method: method.to_string(),
                host: None,
                path,
                sent: false,
                status: None,
                why: None,
                who: who.clone(),
            }),
        }
    }

    /// The request goes to this host.
    pub(super) fn host(&mut self, host: &ApiHost) {
        if let Some(request) = &mut self.request {
            request.host = Some(host.authority().to_owned());
        }
    }

    /// Whether the request is sent from now on; returns whether it was before.
    pub(super) fn set_sent(&mut self, sent: bool) -> bool {
        let request = self.request.as_mut();
        request.is_some_and(|request| std::mem::replace(&mut request.sent, sent))
    }

    pub(super) fn finish(mut self, answered: &Result<Response, Failure>) {
        if let Some(mut request) = self.request.take() {
            match answered {
                Ok(response) => request.status = Some(response.status().as_u16()),
                Err(failure) => request.why = Some(failure.message().to_owned()),
            }
            self.agent.record_proxied(request);
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if let Some(mut request) = self.request.take() {
            request.why = Some("the program did not wait for the answer".to_owned());
            self.agent.record_proxied(request);
        }
    }
}

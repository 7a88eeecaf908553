//! The queue of faults that wait for matching requests.
//!
//! A fault either *holds* a request or changes its *response*. A request takes the first matching
//! fault of each of these two sorts, so "wait for the release, then 503" is two faults. Faults are
//! taken in the order in which they were added.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::watch;

use crate::endpoint::{Endpoint, GrantType};
use crate::fault::{Always, Fault, FaultKind, Times};

/// The waiting faults, and the closed latches.
#[derive(Debug, Default)]
pub(crate) struct FaultQueue {
    waiting: Vec<Fault>,
    latches: HashMap<String, watch::Sender<bool>>,
}

/// The faults that apply to one request.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) hold: Option<Hold>,
    pub(crate) response: Option<Fault>,
}

/// Holds a request.
#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) until: Until,
    pub(crate) after_processing: bool,
}

#[derive(Debug)]
pub(crate) enum Until {
    After(Duration),
    Released(watch::Receiver<bool>),
    ClientDisconnects,
}

impl FaultQueue {
    pub(crate) fn add(&mut self, fault: Fault) {
        if let FaultKind::Latch { name } = &fault.fault {
            self.latches
                .entry(name.clone())
                .or_insert_with(|| watch::Sender::new(false));
        }
        if fault.times != Times::Count(0) {
            self.waiting.push(fault);
        }
    }

    pub(crate) fn waiting(&self) -> &[Fault] {
        &self.waiting
    }

    /// Opens the latch for the requests that wait there, and removes it.
    pub(crate) fn release(&mut self, name: &str) {
        self.waiting.retain(
            |fault| !matches!(&fault.fault, FaultKind::Latch { name: latch } if latch == name),
        );
        if let Some(latch) = self.latches.remove(name) {
            latch.send_replace(true);
        }
    }

    /// Opens all latches and removes all faults.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        for (_, latch) in self.latches.drain() {
            latch.send_replace(true);
        }
    }

    /// The faults that apply to a request at `endpoint`; used-up faults are removed.
    pub(crate) fn take(&mut self, endpoint: Endpoint, grant: Option<GrantType>) -> Plan {
        let hold = self
            .take_first(endpoint, grant, true)
            .map(|fault| self.hold(&fault));
        Plan {
            hold,
            response: self.take_first(endpoint, grant, false),
        }
    }

    fn take_first(
        &mut self,
        endpoint: Endpoint,
        grant: Option<GrantType>,
        holds: bool,
    ) -> Option<Fault> {
        let position = self.waiting.iter().position(|fault| {
            fault.endpoint == endpoint
                && (fault.grant.is_none() || fault.grant == grant)
                && fault.fault.holds() == holds
        })?;
        match &mut self.waiting[position].times {
            Times::Always(Always::Forever) => {}
            Times::Count(1) => return Some(self.waiting.remove(position)),
            Times::Count(left) => *left -= 1,
        }
        Some(self.waiting[position].clone())
    }

    fn hold(&self, fault: &Fault) -> Hold {
        let until = if let FaultKind::Latency { ms } = fault.fault {
            Until::After(Duration::from_millis(ms))
        } else if let FaultKind::Latch { name } = &fault.fault {
            let latch = self
                .latches
                .get(name)
                .expect("a waiting latch fault has its latch");
            Until::Released(latch.subscribe())
        } else {
            Until::ClientDisconnects
        };
        Hold {
            until,
            after_processing: fault.after_processing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_applies_to_its_endpoint_and_grant_as_often_as_set() {
        let mut faults = FaultQueue::default();
        faults.add(Fault::refresh(FaultKind::status(503)).times(2));
        let refresh = Some(GrantType::RefreshToken);
        assert!(
            faults
                .take(Endpoint::Token, Some(GrantType::AuthorizationCode))
                .response
                .is_none()
        );
        assert!(faults.take(Endpoint::Userinfo, None).response.is_none());
        assert!(faults.take(Endpoint::Token, refresh).response.is_some());
        assert!(faults.take(Endpoint::Token, refresh).response.is_some());
        assert!(faults.take(Endpoint::Token, refresh).response.is_none());
    }

    #[test]
    fn request_takes_one_hold_and_one_response_fault() {
        let mut faults = FaultQueue::default();
        faults.add(Fault::at(Endpoint::Api, FaultKind::status(500)).forever());
        faults.add(Fault::at(Endpoint::Api, FaultKind::Latency { ms: 5 }));
        let both = faults.take(Endpoint::Api, None);
        assert!(both.hold.is_some() && both.response.is_some());
        let later = faults.take(Endpoint::Api, None);
        assert!(later.hold.is_none() && later.response.is_some());
    }

    #[test]
    fn released_gate_lets_waiting_and_later_requests_through() {
        let mut faults = FaultQueue::default();
        faults.add(
            Fault::at(
                Endpoint::Api,
                FaultKind::Latch {
                    name: "g".to_owned(),
                },
            )
            .forever(),
        );
        let Some(Hold {
            until: Until::Released(latch),
            ..
        }) = faults.take(Endpoint::Api, None).hold
        else {
            panic!("the latch holds");
        };
        assert!(!*latch.borrow());
        faults.release("g");
        assert!(*latch.borrow());
        assert!(faults.take(Endpoint::Api, None).hold.is_none());
    }
}

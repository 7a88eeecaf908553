//! Faults waiting for their requests.
//!
//! A fault either *holds* a request for a while or for ever, or spoils its *answer*. A request
//! takes the first waiting fault of each sort that fits it, so "wait at the gate, then 503" is two
//! faults. Faults wait in the order in which they were added.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::watch;

use crate::endpoint::{Endpoint, GrantType};
use crate::fault::{Always, Fault, FaultKind, Times};

/// The faults that still wait, and the gates that stand shut.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: Vec<Fault>,
    gates: HashMap<String, watch::Sender<bool>>,
}

/// What befalls one request.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) hold: Option<Hold>,
    pub(crate) answer: Option<Fault>,
}

/// A request is held: until when, and whether it is carried out before.
#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) until: Until,
    pub(crate) after_processing: bool,
}

#[derive(Debug)]
pub(crate) enum Until {
    After(Duration),
    Released(watch::Receiver<bool>),
    ClientLeaves,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        if let FaultKind::Gate { name } = &fault.fault {
            self.gates
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

    /// Opens the gate for those who wait there, and takes it away.
    pub(crate) fn release(&mut self, name: &str) {
        self.waiting.retain(
            |fault| !matches!(&fault.fault, FaultKind::Gate { name: gate } if gate == name),
        );
        if let Some(gate) = self.gates.remove(name) {
            gate.send_replace(true);
        }
    }

    /// Opens all gates and forgets all faults.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        for (_, gate) in self.gates.drain() {
            gate.send_replace(true);
        }
    }

    /// What befalls a request at `endpoint`; faults that have struck often enough are gone after.
    pub(crate) fn take(&mut self, endpoint: Endpoint, grant: Option<GrantType>) -> Plan {
        let hold = self
            .take_first(endpoint, grant, true)
            .map(|fault| self.hold(&fault));
        Plan {
            hold,
            answer: self.take_first(endpoint, grant, false),
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
        } else if let FaultKind::Gate { name } = &fault.fault {
            let gate = self
                .gates
                .get(name)
                .expect("a waiting gate fault has its gate");
            Until::Released(gate.subscribe())
        } else {
            Until::ClientLeaves
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
    fn fault_strikes_only_its_endpoint_and_grant_and_only_so_often() {
        let mut faults = Faults::default();
        faults.add(Fault::refresh(FaultKind::status(503)).times(2));
        let refresh = Some(GrantType::RefreshToken);
        assert!(
            faults
                .take(Endpoint::Token, Some(GrantType::AuthorizationCode))
                .answer
                .is_none()
        );
        assert!(faults.take(Endpoint::Userinfo, None).answer.is_none());
        assert!(faults.take(Endpoint::Token, refresh).answer.is_some());
        assert!(faults.take(Endpoint::Token, refresh).answer.is_some());
        assert!(faults.take(Endpoint::Token, refresh).answer.is_none());
    }

    #[test]
    fn request_takes_one_hold_and_one_answer() {
        let mut faults = Faults::default();
        faults.add(Fault::at(Endpoint::Api, FaultKind::status(500)).forever());
        faults.add(Fault::at(Endpoint::Api, FaultKind::Latency { ms: 5 }));
        let both = faults.take(Endpoint::Api, None);
        assert!(both.hold.is_some() && both.answer.is_some());
        let later = faults.take(Endpoint::Api, None);
        assert!(later.hold.is_none() && later.answer.is_some());
    }

    #[test]
    fn released_gate_lets_through_who_waits_and_who_comes() {
        let mut faults = Faults::default();
        faults.add(
            Fault::at(
                Endpoint::Api,
                FaultKind::Gate {
                    name: "g".to_owned(),
                },
            )
            .forever(),
        );
        let Some(Hold {
            until: Until::Released(gate),
            ..
        }) = faults.take(Endpoint::Api, None).hold
        else {
            panic!("the gate holds");
        };
        assert!(!*gate.borrow());
        faults.release("g");
        assert!(*gate.borrow());
        assert!(faults.take(Endpoint::Api, None).hold.is_none());
    }
}

//! Live events for any number of followers: one task reads each new event from the audit log,
//! serialises it once and shares it. A follower that falls behind by more than [`CAPACITY`] events
//! reads what it missed from the log.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Mutex, broadcast};
use valetkey_agent::vault::EventFilter;
use valetkey_agent::{Agent, AgentError};
use valetkey_api::core::event::{Event, EventId, EventKind};
use valetkey_api::core::id::ConnectionId;

use crate::convert;
use crate::stop::Stop;

/// Events that are kept for followers that have not read them yet.
const CAPACITY: usize = 256;
/// Most events that are read at once.
pub(crate) const MAX_PAGE: u32 = 1_000;

/// An event, as followers get it.
#[derive(Debug, Clone)]
pub(crate) struct FeedEvent {
    pub(crate) id: EventId,
    pub(crate) kind: EventKind,
    pub(crate) connection: Option<ConnectionId>,
    pub(crate) at: Timestamp,
    /// The text of who asked; empty if nobody did.
    pub(crate) actor: Arc<str>,
    /// As a server-sent event.
    pub(crate) text: Bytes,
}

impl FeedEvent {
    pub(crate) fn new(agent: &Agent, id: EventId, event: &Event) -> Self {
        let (kind, connection) = (event.kind, event.connection);
        let actor = event.actor.as_ref().map(ToString::to_string);
        let view = convert::event(agent, id, event);
        let json = serde_json::to_string(&view).expect("API types serialise");
        let EventId(number) = id;
        let text = format!("id: {number}\nevent: {}\ndata: {json}\n\n", kind.as_str());
        Self {
            id,
            kind,
            connection,
            at: event.at,
            actor: actor.unwrap_or_default().into(),
            text: text.into(),
        }
    }
}

type Sender = broadcast::Sender<FeedEvent>;

/// The feed of one agent. It runs while somebody follows.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventFeed(Arc<Mutex<Option<Sender>>>);

impl EventFeed {
    /// Every event that is later than what the log holds now.
    pub(crate) async fn subscribe(
        &self,
        agent: &Agent,
        stop: &Stop,
    ) -> Result<broadcast::Receiver<FeedEvent>, AgentError> {
        let mut running = self.0.lock().await;
        if let Some(sender) = &*running {
            return Ok(sender.subscribe());
        }
        // First the bus, then the log: nothing falls in between.
        let news = agent.follow();
        let last = last_id(agent).await?;
        let (sender, receiver) = broadcast::channel(CAPACITY);
        *running = Some(sender.clone());
        let (feed, agent, stop) = (self.clone(), agent.clone(), stop.clone());
        tokio::spawn(async move {
            let read = |after| read_after(agent.clone(), after);
            tokio::select! {
                () = feed.share(news, last, &sender, read) => {}
                () = stop.requested() => {}
            }
            let mut running = feed.0.lock().await;
            running.take_if(|running| running.same_channel(&sender));
        });
        Ok(receiver)
    }

    /// Until nobody follows, or the log cannot be read.
    async fn share<F>(
        &self,
        mut news: broadcast::Receiver<EventId>,
        mut last: EventId,
        sender: &Sender,
        read: impl Fn(EventId) -> F,
    ) where
        F: Future<Output = Result<Vec<FeedEvent>, AgentError>>,
    {
        loop {
            match news.recv().await {
                // Read already, together with an earlier one.
                Ok(id) if id <= last => continue,
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
            let mut running = self.0.lock().await;
            if sender.receiver_count() == 0 {
                *running = None;
                return;
            }
            drop(running);
            loop {
                let events = match read(last).await {
                    Ok(events) => events,
                    Err(error) => {
                        tracing::warn!(%error, "events cannot be followed");
                        return;
                    }
                };
                let more = events.len() == MAX_PAGE as usize;
                for event in events {
                    last = event.id;
                    // Nobody may be following any more.
                    sender.send(event).ok();
                }
                if !more {
                    break;
                }
            }
        }
    }
}

async fn read_after(agent: Agent, after: EventId) -> Result<Vec<FeedEvent>, AgentError> {
    let filter = EventFilter {
        after: Some(after),
        limit: MAX_PAGE,
        ..EventFilter::default()
    };
    let events = agent.events(filter).await?.into_iter();
    Ok(events
        .map(|(id, event)| FeedEvent::new(&agent, id, &event))
        .collect())
}

/// The newest event of the whole log.
pub(crate) async fn last_id(agent: &Agent) -> Result<EventId, AgentError> {
    let newest = EventFilter {
        limit: 1,
        ..EventFilter::default()
    };
    let newest = agent.events(newest).await?;
    Ok(newest.last().map_or(EventId::default(), |(id, _)| *id))
}

#[cfg(test)]
mod tests {
    use std::future::{Ready, ready};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn event(id: i64) -> FeedEvent {
        FeedEvent {
            id: EventId(id),
            kind: EventKind::Paused,
            connection: None,
            at: Timestamp::UNIX_EPOCH,
            actor: "".into(),
            text: format!("id: {id}\n\n").into(),
        }
    }

    #[tokio::test]
    async fn an_event_is_read_once_for_all_followers() {
        let feed = EventFeed::default();
        let (sender, first) = broadcast::channel(CAPACITY);
        let followers: Vec<_> = (0..99).map(|_| sender.subscribe()).chain([first]).collect();
        let (bus, news) = broadcast::channel(8);
        let reads = AtomicUsize::new(0);
        let read = |EventId(after)| {
            reads.fetch_add(1, Ordering::Relaxed);
            ready(Ok((after + 1..=3).map(event).collect()))
        };
        // The first read brings all three; the other two need none.
        for id in 1..=3 {
            bus.send(EventId(id)).unwrap();
        }
        drop(bus);
        feed.share(news, EventId(0), &sender, read).await;
        assert_eq!(reads.load(Ordering::Relaxed), 1);
        let mut texts = Vec::new();
        for mut follower in followers {
            for id in 1..=3 {
                let event = follower.try_recv().unwrap();
                assert_eq!(event.id, EventId(id));
                texts.push(event.text.as_ptr());
            }
        }
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 3, "one copy of each for all");
    }

    #[tokio::test]
    async fn without_followers_nothing_is_read() {
        let feed = EventFeed::default();
        let (sender, _) = broadcast::channel(CAPACITY);
        let (bus, news) = broadcast::channel(8);
        bus.send(EventId(1)).unwrap();
        let read = |_| -> Ready<_> { panic!("nobody follows") };
        feed.share(news, EventId(0), &sender, read).await;
    }
}

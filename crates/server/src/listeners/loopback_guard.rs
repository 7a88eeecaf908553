//! The checks of the loopback listener. Any page in any browser and any user of the machine can reach
//! it, so it refuses a foreign Host (DNS rebinding), a foreign Origin, cross-site fetches, and every
//! request without a client key, but for the connect page, whose address is a secret itself. What
//! differs by path is the [`Surface`].

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderValue, Method, Request};
use valetkey_agent::KeyRefusal;
use valetkey_api::core::id::ClientKeyId;
use valetkey_api::core::secret::ClientKey;

use super::rate_limiter::{Bucket, Rate, RateLimiter, TooMany};
use super::surface::Surface;
use crate::caller::{Caller, Key};

/// Verifies client keys and the nonces of connect pages, comparing in constant time.
#[derive(Clone)]
pub struct Verifier {
    find_key: Arc<FindKey>,
    is_link: Arc<IsLink>,
    report_wrong_keys: Arc<ReportWrongKeys>,
}

type FindKey = dyn Fn(&ClientKey) -> Result<Arc<Key>, KeyRefusal> + Send + Sync;
type IsLink = dyn Fn(&str) -> bool + Send + Sync;
type ReportWrongKeys = dyn Fn(u64) + Send + Sync;

impl Verifier {
    /// `find_key` finds the holder of a key, `is_link` whether a nonce is that of a live link.
    /// `report_wrong_keys` is called when many wrong keys were tried, with their number since the last call.
    pub fn new(
        find_key: impl Fn(&ClientKey) -> Result<Arc<Key>, KeyRefusal> + Send + Sync + 'static,
        is_link: impl Fn(&str) -> bool + Send + Sync + 'static,
        report_wrong_keys: impl Fn(u64) + Send + Sync + 'static,
    ) -> Self {
        Self {
            find_key: Arc::new(find_key),
            is_link: Arc::new(is_link),
            report_wrong_keys: Arc::new(report_wrong_keys),
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier")
    }
}

/// Who is admitted.
#[derive(Debug)]
pub(super) enum Admitted {
    /// The holder of a key.
    Caller(Caller),
    /// A browser, at the connect page.
    Browser,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GuardError {
    /// The request is one to another server, or could be.
    Target,
    /// The Host is not this listener.
    Host,
    /// The Origin is not this listener.
    Origin,
    /// A page of another site fetches.
    CrossSite,
    /// No client key.
    NoKey,
    /// Not a key, or one that ended.
    WrongKey,
    /// A key that waits for the person to confirm it.
    KeyNotConfirmed,
    /// Not the address of a connect page, or one that ended.
    UnknownLink,
    /// There is no OAuth metadata here: a client that found some would sign in by itself.
    NoMetadata,
    /// The client sends too many requests.
    TooManyRequests {
        /// When the next one is served.
        retry_after: Duration,
    },
    /// Too many wrong keys lately.
    TooManyWrongKeys {
        /// When it makes sense to try again.
        retry_after: Duration,
    },
}

/// The checks of one loopback listener.
#[derive(Debug)]
pub(super) struct LoopbackGuard {
    port: u16,
    verifier: Verifier,
    wrong_keys: WrongKeyCounter,
    rates: RateLimiter<ClientKeyId>,
}

impl LoopbackGuard {
    pub(super) fn new(port: u16, verifier: Verifier, rate: Rate) -> Self {
        Self {
            port,
            verifier,
            wrong_keys: WrongKeyCounter::default(),
            rates: RateLimiter::new(rate),
        }
    }

    pub(super) fn check<B>(&self, request: &Request<B>) -> Result<Admitted, GuardError> {
        let headers = request.headers();
        check_target(request, |authority| self.is_own(authority))?;
        let host = headers.get(HOST).and_then(text).ok_or(GuardError::Host)?;
        if !self.is_own(host) {
            return Err(GuardError::Host);
        }
        let is_own_origin = |origin: &HeaderValue| {
            text(origin)
                .and_then(|origin| origin.strip_prefix("http://"))
                .is_some_and(|host| self.is_own(host))
        };
        if !headers.get_all(ORIGIN).iter().all(is_own_origin) {
            return Err(GuardError::Origin);
        }
        let surface = Surface::of(request.uri().path());
        let from_another_site = headers
            .get_all("sec-fetch-site")
            .iter()
            .any(|site| site != "same-origin" && site != "none");
        // A click on a link to the connect page may come from anywhere, a tool's web page included:
        // it only shows a button.
        let is_click = matches!(surface, Surface::ConnectPage { .. })
            && request.method() == Method::GET
            && is_navigation(headers);
        if from_another_site && !is_click {
            return Err(GuardError::CrossSite);
        }
        match surface {
            Surface::ConnectPage { nonce } if (self.verifier.is_link)(nonce) => {
                Ok(Admitted::Browser)
            }
            Surface::ConnectPage { .. } => Err(GuardError::UnknownLink),
            Surface::Metadata => Err(GuardError::NoMetadata),
            Surface::Api | Surface::Proxy => self.check_key(surface.client_key(headers)),
        }
    }

    fn check_key(&self, key: Option<ClientKey>) -> Result<Admitted, GuardError> {
        let key = key.ok_or(GuardError::NoKey)?;
        // A right key is never refused because of somebody else's guesses.
        match (self.verifier.find_key)(&key) {
            Ok(key) => {
                let bucket = self.rates.bucket(key.id);
                let caller = Caller::Key(key);
                take(&bucket, &caller)?;
                Ok(Admitted::Caller(caller))
            }
            Err(KeyRefusal::NotConfirmed) => Err(GuardError::KeyNotConfirmed),
            Err(KeyRefusal::Unknown) => {
                let (error, report) = self.wrong_keys.count(Instant::now());
                if let Some(count) = report {
                    (self.verifier.report_wrong_keys)(count);
                }
                Err(error)
            }
        }
    }

    fn is_own(&self, host: &str) -> bool {
        let Some((name, port)) = host.rsplit_once(':') else {
            return false;
        };
        let is_loopback = ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .any(|own| own.eq_ignore_ascii_case(name));
        is_loopback && port.parse() == Ok(self.port)
    }
}

/// Counts a request of this client.
pub(super) fn take(bucket: &Bucket, caller: &Caller) -> Result<(), GuardError> {
    bucket.take().map_err(|TooMany { retry_after, log }| {
        if log {
            tracing::warn!(%caller, "too many requests; some are refused");
        }
        GuardError::TooManyRequests { retry_after }
    })
}

/// Refuses what is meant for another server, or could be: this is no forward proxy, and a request has one
/// Host (RFC 9112, section 3.2).
pub(super) fn check_target<B>(
    request: &Request<B>,
    is_own: impl Fn(&str) -> bool,
) -> Result<(), GuardError> {
    let named = request.uri().authority();
    let is_foreign = named.is_some_and(|authority| !is_own(authority.as_str()));
    let hosts = request.headers().get_all(HOST).iter().count();
    if request.method() == Method::CONNECT || is_foreign || hosts > 1 {
        return Err(GuardError::Target);
    }
    Ok(())
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

/// A person follows a link (Fetch Metadata): no script reads what comes back, no frame shows it.
fn is_navigation(headers: &HeaderMap) -> bool {
    let is = |name, value| headers.get(name).is_some_and(|found| found == value);
    is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document")
}

/// Counts wrong keys, so that guessing and broken clients show in the log and are slowed down.
#[derive(Debug, Default)]
struct WrongKeyCounter(Mutex<WrongKeys>);

#[derive(Debug, Default)]
struct WrongKeys {
    window: Option<Window>,
    /// Since the last report.
    unreported: u64,
    reported_at: Option<Instant>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    count: u32,
}

impl WrongKeyCounter {
    const WINDOW: Duration = Duration::from_secs(10);
    const MAX_WRONG_KEYS: u32 = 20;
    /// Many wrong keys are reported at most this often.
    const REPORT_INTERVAL: Duration = Duration::from_mins(10);

    /// Counts one more; with the number to report, if it is time to.
    fn count(&self, now: Instant) -> (GuardError, Option<u64>) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let current = keys
            .window
            .take()
            .filter(|window| now.duration_since(window.began) < Self::WINDOW)
            .unwrap_or(Window {
                began: now,
                count: 0,
            });
        let count = current.count.saturating_add(1);
        let retry_after = Self::WINDOW.saturating_sub(now.duration_since(current.began));
        keys.window = Some(Window { count, ..current });
        keys.unreported += 1;
        if count == 1 {
            tracing::warn!("wrong client key at the loopback listener");
        }
        if count == Self::MAX_WRONG_KEYS + 1 {
            tracing::warn!("many wrong client keys at the loopback listener");
        }
        if count <= Self::MAX_WRONG_KEYS {
            return (GuardError::WrongKey, None);
        }
        let is_due = |at| now.duration_since(at) >= Self::REPORT_INTERVAL;
        let report = keys.reported_at.is_none_or(is_due).then(|| {
            keys.reported_at = Some(now);
            std::mem::take(&mut keys.unreported)
        });
        (GuardError::TooManyWrongKeys { retry_after }, report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "vk_good";

    fn guard() -> LoopbackGuard {
        let key = Arc::new(Key {
            id: format!("{:032x}", 1).parse().unwrap(),
            name: "ci".to_owned(),
            connections: None,
            manage: false,
        });
        let find = move |shown: &ClientKey| {
            (shown.expose() == GOOD)
                .then(|| Arc::clone(&key))
                .ok_or(KeyRefusal::Unknown)
        };
        let verifier = Verifier::new(find, |nonce| nonce == "abc", |_| {});
        LoopbackGuard::new(4315, verifier, Rate::default())
    }

    fn ask(
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Result<&'static str, GuardError> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        guard()
            .check(&request.body(()).unwrap())
            .map(|admitted| match admitted {
                Admitted::Caller(_) => "caller",
                Admitted::Browser => "browser",
            })
    }

    const KEY: (&str, &str) = ("authorization", "Bearer vk_good");

    #[test]
    fn a_key_is_accepted_under_every_name_of_the_listener() {
        for host in [
            "127.0.0.1:4315",
            "localhost:4315",
            "LOCALHOST:4315",
            "[::1]:4315",
        ] {
            assert_eq!(
                ask("GET", "/x", &[("host", host), KEY]),
                Ok("caller"),
                "{host}"
            );
        }
    }

    #[test]
    fn any_other_host_is_refused() {
        for host in [
            "evil.test:4315",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.1.evil.test:4315",
            "localhost.:4315",
            "",
        ] {
            assert_eq!(
                ask("GET", "/x", &[("host", host), KEY]),
                Err(GuardError::Host),
                "{host}"
            );
        }
        assert_eq!(
            ask("GET", "/x", &[KEY]),
            Err(GuardError::Host),
            "no Host at all"
        );
        let twice = [("host", "127.0.0.1:4315"), ("host", "evil.test:4315"), KEY];
        assert_eq!(ask("GET", "/x", &twice), Err(GuardError::Target));
        let absolute = ask(
            "GET",
            "http://evil.test/x",
            &[("host", "127.0.0.1:4315"), KEY],
        );
        assert_eq!(absolute, Err(GuardError::Target));
        let tunnel = ask(
            "CONNECT",
            "localhost:4315",
            &[("host", "localhost:4315"), KEY],
        );
        assert_eq!(tunnel, Err(GuardError::Target));
    }

    #[test]
    fn pages_of_other_origins_are_refused_even_with_a_key() {
        let host = ("host", "127.0.0.1:4315");
        for origin in [
            "http://evil.test",
            "null",
            "https://127.0.0.1:4315",
            "http://localhost:3000",
        ] {
            let asked = ask("POST", "/x", &[host, KEY, ("origin", origin)]);
            assert_eq!(asked, Err(GuardError::Origin), "{origin}");
        }
        for site in ["cross-site", "same-site", "nonsense"] {
            let asked = ask("GET", "/x", &[host, KEY, ("sec-fetch-site", site)]);
            assert_eq!(asked, Err(GuardError::CrossSite), "{site}");
        }
        let own = [
            host,
            KEY,
            ("origin", "http://127.0.0.1:4315"),
            ("sec-fetch-site", "same-origin"),
        ];
        assert_eq!(ask("POST", "/x", &own), Ok("caller"));
    }

    #[test]
    fn a_request_without_a_right_key_is_refused() {
        let host = ("host", "127.0.0.1:4315");
        assert_eq!(ask("GET", "/x", &[host]), Err(GuardError::NoKey));
        for value in ["Basic dms6", "Bearer", "Bearer ghp_x", "vk_good"] {
            let asked = ask("GET", "/x", &[host, ("authorization", value)]);
            assert_eq!(asked, Err(GuardError::NoKey), "{value}");
        }
        let bad = ask("GET", "/x", &[host, ("authorization", "Bearer vk_bad")]);
        assert_eq!(bad, Err(GuardError::WrongKey));
        let twice = ask("GET", "/x", &[host, KEY, KEY]);
        assert_eq!(twice, Err(GuardError::NoKey));
    }

    #[test]
    fn the_proxy_takes_a_key_in_every_way_that_a_tool_can_send_it() {
        let host = ("host", "127.0.0.1:4315");
        let basic = ("authorization", "Basic eDp2a19nb29k"); // x:vk_good
        for key in [KEY, ("x-valet-key", "vk_good"), basic] {
            assert_eq!(
                ask("GET", "/proxy/x/", &[host, key]),
                Ok("caller"),
                "{key:?}"
            );
        }
        for key in [("x-valet-key", "vk_good"), basic] {
            let api = ask("GET", "/api/v1/status", &[host, key]);
            assert_eq!(api, Err(GuardError::NoKey), "{key:?}");
        }
        let bad = ask("GET", "/proxy/x/", &[host, ("x-valet-key", "vk_bad"), KEY]);
        assert_eq!(
            bad,
            Err(GuardError::WrongKey),
            "the header of our own counts"
        );
        assert_eq!(ask("GET", "/proxy/x/", &[host]), Err(GuardError::NoKey));
    }

    #[test]
    fn oauth_metadata_is_nowhere_with_or_without_a_key() {
        let host = ("host", "127.0.0.1:4315");
        for path in [
            "/.well-known/oauth-protected-resource/proxy/x/mcp",
            "/proxy/x/.well-known/oauth-authorization-server",
            "/proxy/x/@h/mcp/%2Ewell-known/openid-configuration",
        ] {
            for headers in [&[host][..], &[host, KEY]] {
                assert_eq!(
                    ask("GET", path, headers),
                    Err(GuardError::NoMetadata),
                    "{path}"
                );
            }
            let foreign = [("host", "evil.test:4315"), KEY];
            assert_eq!(ask("GET", path, &foreign), Err(GuardError::Host), "{path}");
        }
    }

    #[test]
    fn a_browser_reaches_only_the_connect_page() {
        let host = ("host", "localhost:4315");
        let cross = ("sec-fetch-site", "cross-site");
        let click = [
            host,
            cross,
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        assert_eq!(ask("GET", "/connect/abc", &[host]), Ok("browser"));
        assert_eq!(ask("GET", "/connect/abc", &click), Ok("browser"));
        assert_eq!(
            ask("POST", "/connect/abc", &click),
            Err(GuardError::CrossSite)
        );
        assert_eq!(
            ask("GET", "/connect/abc", &[host, cross]),
            Err(GuardError::CrossSite)
        );
        assert_eq!(
            ask("GET", "/api/v1/status", &click),
            Err(GuardError::CrossSite)
        );
        let guess = ask("GET", "/connect/guess", &[host]);
        assert_eq!(guess, Err(GuardError::UnknownLink));
    }

    #[test]
    fn guessing_is_slowed_down_and_locks_nobody_out() {
        let guard = guard();
        let show = |key: &str| {
            let request = Request::builder()
                .header("host", "127.0.0.1:4315")
                .header("authorization", format!("Bearer {key}"))
                .body(())
                .unwrap();
            guard.check(&request)
        };
        for _ in 0..WrongKeyCounter::MAX_WRONG_KEYS {
            assert_eq!(show("vk_guess").unwrap_err(), GuardError::WrongKey);
        }
        let slowed = show("vk_guess").unwrap_err();
        assert!(matches!(slowed, GuardError::TooManyWrongKeys { .. }));
        assert!(show(GOOD).is_ok());
    }

    #[test]
    fn many_wrong_keys_are_reported_once_in_ten_minutes() {
        let counter = WrongKeyCounter::default();
        let began = Instant::now();
        let reports = (0..1000).filter_map(|second| {
            let at = began + Duration::from_secs(second);
            let burst = (0..21).filter_map(|_| counter.count(at).1);
            Some((second, burst.last()?))
        });
        let reports: Vec<_> = reports.collect();
        let seconds: Vec<u64> = reports.iter().map(|(second, _)| *second).collect();
        assert_eq!(seconds, [0, 600], "{reports:?}");
        assert_eq!(reports[0].1, 21);
        // All of the seconds between, and those that led to the second report.
        assert!(reports[1].1 > 599 * 21, "{reports:?}");

        let slow = WrongKeyCounter::default();
        let each_second =
            (0..1000).filter_map(|second| slow.count(began + Duration::from_secs(second)).1);
        assert_eq!(each_second.count(), 0, "ten in ten seconds are few");
    }
}

//! The audit log with ten thousand lines: verified, searched, exported.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use valetkey_tests::wait;

use crate::cpus::Cpus;
use crate::environment::{Agent, Environment, connect, program};
use crate::load_client::{Connection, Latency, Load};
use crate::report::Report;
use crate::role::{self, Role};
use crate::statistics::median;

const LINES: usize = 10_000;
const REPEATS: usize = 9;

/// Medians; the lines are tokens that were served.
pub(crate) fn measure(environment: &Environment, report: &mut Report) {
    let home = TempDir::new().expect("a folder");
    let agent = Agent::start(home.path());
    connect(&agent, environment.issuer(), "bench", &json!([]));
    let _: Latency = role::run(&Role::Load(Load {
        socket: agent.socket.clone(),
        request: environment.request.clone(),
        callers: 1,
        calls: LINES,
        connection: Connection::Kept,
        cpus: Cpus::all().to_string(),
    }));
    wait::until("the last line", || {
        let newest = agent.ask("GET", "/api/v1/events?limit=1", &Value::Null);
        let lines = newest["last_id"].as_u64().expect("a number");
        (lines >= LINES as u64).then_some(())
    });
    let mut time = |what: &str, run: &dyn Fn()| {
        let mut times: Vec<Duration> = (0..REPEATS)
            .map(|_| {
                let start = Instant::now();
                run();
                start.elapsed()
            })
            .collect();
        let what = format!("{what} (p50 of {REPEATS})");
        report.figure(&what, median(&mut times) / 1e3, "ms", None);
    };
    time("audit log of 10,000 lines, verified", &|| {
        let found = agent.ask("POST", "/api/v1/events/verify", &Value::Null);
        assert_eq!(found["intact"], true, "{found}");
        assert!(found["lines"].as_u64() >= Some(LINES as u64), "{found}");
    });
    time("the same, searched for an actor that is not in it", &|| {
        let path = "/api/v1/events?actor=nobody&limit=1000";
        let found = agent.ask("GET", path, &Value::Null);
        assert_eq!(found["events"], json!([]));
    });
    time("the same, exported by `valetkey events export`", &|| {
        let mut export = Command::new(program("VALETKEY_BIN"));
        export.args(["events", "export"]).stdout(Stdio::null());
        let status = export.env("VALETKEY_HOME", home.path()).status();
        assert!(status.expect("it starts").success());
    });
}

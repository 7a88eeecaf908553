//! Tokens by a remembered answer: on a kept connection beside an agent that lets everybody have them, on a
//! new one of the same process beside a bare server that reads the same of `/proc`.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cpus::Cpus;
use crate::environment::{Agent, Bare, Environment, Sizes, connect};
use crate::load_client::{Connection, Latency, Load};
use crate::report::Report;
use crate::role::{self, Role};
use crate::statistics::Rounds;

/// What one look at the executable may add, in microseconds.
const ONE_LOOK: f64 = 10.0;

/// One request at a time, on one processor.
pub(crate) fn beside_the_same_reads(environment: &Environment, sizes: &Sizes, report: &mut Report) {
    let home = TempDir::new().expect("a folder");
    let agent = Agent::start_with(home.path(), &["--policy", "deny"]);
    connect(&agent, environment.issuer(), "bench", &json!([]));
    let cpus = Cpus::one();
    let load = |socket: &Path, calls, connection| {
        Role::Load(Load {
            socket: socket.to_owned(),
            request: environment.request.clone(),
            callers: 1,
            calls,
            connection,
            cpus: cpus.to_string(),
        })
    };
    allow(&agent, &load(&agent.socket, 1, Connection::New));
    let bare = Bare::start(&agent, home.path(), 1, true);
    environment.run_on(&cpus);
    for process in [agent.pid(), bare.process.id()] {
        cpus.apply_to(process);
    }
    let measure = |sockets: [&Path; 2], connection| {
        let mut medians: [Rounds; 2] = Default::default();
        for _ in 0..sizes.rounds {
            for (socket, medians) in sockets.into_iter().zip(&mut medians) {
                let latency: Latency = role::run(&load(socket, sizes.calls, connection));
                medians.push(latency.p50);
            }
        }
        medians
    };
    let open = environment.agent.socket.as_path();
    let [open, allowed] = measure([open, &agent.socket], Connection::Kept);
    let what = "token by a remembered answer beside one without, kept connection, p50";
    report.added(what, &open, &allowed, ONE_LOOK);
    let [bare, allowed] = measure([&bare.socket, &agent.socket], Connection::New);
    let what = "token by a remembered answer beside bare axum with the same reads of `/proc`, new \
                connection, p50";
    report.ratio(what, &allowed.ratio(&bare), "1.3");
    environment.run_on(&Cpus::all());
}

/// The load client is refused, and allowed for good.
fn allow(agent: &Agent, load: &Role) {
    let mut refused = load.command();
    let refused = refused.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(!refused.expect("our own program").success());
    let listed = agent.ask("GET", "/api/v1/approvals", &Value::Null);
    let id = &listed["approvals"][0]["id"];
    let answer = format!("/api/v1/approvals/{id}/answer");
    agent.ask("POST", &answer, &json!({ "verdict": "allow" }));
}

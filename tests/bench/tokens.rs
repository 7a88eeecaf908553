//! Cached tokens over the socket, beside the bare server.

use std::io::Write as _;
use std::os::unix::net::UnixStream;

use crate::cpus::Cpus;
use crate::environment::{Environment, Sizes};
use crate::load_client::{Connection, Latency, Load};
use crate::report::{Budget, Report, TokenRow};
use crate::role::{self, Role};
use crate::statistics::Rounds;

/// The servers, in the order in which they take turns.
const SERVERS: usize = 3;

/// On one processor and on all, kept and new connections, 1 and 16 callers.
pub(crate) fn beside_the_baseline(environment: &Environment, sizes: &Sizes, report: &mut Report) {
    for (cpus, place) in [
        (Cpus::one(), "one processor"),
        (Cpus::all(), "all processors"),
    ] {
        environment.run_on(&cpus);
        for (connection, how) in [(Connection::Kept, "kept"), (Connection::New, "new")] {
            for callers in [1, 16] {
                let latencies = measure(environment, sizes, connection, callers, &cpus);
                let [one_thread, two_threads, agent] = latencies;
                report.token(&TokenRow {
                    what: format!("{place}, {how} connection, {callers} at a time"),
                    p50: agent.p50.ratio(&one_thread.p50),
                    p99: agent.p99.ratio(&one_thread.p99),
                    budget: (cpus == Cpus::one()).then_some(Budget { p50: 1.2, p99: 2.0 }),
                    one_thread,
                    two_threads,
                    agent,
                });
            }
        }
    }
}

/// One figure of each kind for each round.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    pub(crate) p50: Rounds,
    pub(crate) p99: Rounds,
}

impl Latencies {
    fn push(&mut self, latency: Latency) {
        self.p50.push(latency.p50);
        self.p99.push(latency.p99);
    }
}

fn measure(
    environment: &Environment,
    sizes: &Sizes,
    connection: Connection,
    callers: usize,
    cpus: &Cpus,
) -> [Latencies; SERVERS] {
    let [one_thread, two_threads] = &environment.baselines;
    let sockets = [
        &one_thread.socket,
        &two_threads.socket,
        &environment.agent.socket,
    ];
    let mut latencies: [Latencies; SERVERS] = Default::default();
    for _ in 0..sizes.rounds {
        for (socket, latencies) in sockets.into_iter().zip(&mut latencies) {
            latencies.push(role::run(&Role::Load(Load {
                socket: socket.clone(),
                request: environment.request.clone(),
                callers,
                calls: sizes.calls,
                connection,
                cpus: cpus.to_string(),
            })));
        }
    }
    latencies
}

/// A cached token while another connection's refresh hangs, and while clients send nothing.
pub(crate) fn undisturbed(environment: &Environment, sizes: &Sizes, report: &mut Report) {
    let cpus = Cpus::one();
    environment.run_on(&cpus);
    let measure = || {
        let mut rounds = Rounds::default();
        for _ in 0..sizes.rounds {
            let latency: Latency = role::run(&Role::Load(Load {
                socket: environment.agent.socket.clone(),
                request: environment.request.clone(),
                callers: 1,
                calls: sizes.calls,
                connection: Connection::Kept,
                cpus: cpus.to_string(),
            }));
            rounds.push(latency.p50);
        }
        rounds
    };
    let alone = measure();
    let hanging = environment.hang_a_refresh("other");
    let what = "cached token while another connection's refresh hangs, beside one undisturbed";
    report.ratio(what, &measure().ratio(&alone), "no effect");
    drop(hanging);
    let silent: Vec<UnixStream> = (0..200)
        .map(|number| silent_client(environment, number))
        .collect();
    let what =
        "cached token while 200 clients send nothing or half a request, beside one undisturbed";
    report.ratio(what, &measure().ratio(&alone), "no effect");
    drop(silent);
    environment.run_on(&Cpus::all());
}

/// Every other one sends half a request.
fn silent_client(environment: &Environment, number: usize) -> UnixStream {
    let mut stream = UnixStream::connect(&environment.agent.socket).expect("the socket answers");
    if number.is_multiple_of(2) {
        let half = b"POST /api/v1/credentials/conn";
        stream.write_all(half).expect("it is taken");
    }
    stream
}

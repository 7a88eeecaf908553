//! The page of the window in Chromium, by Playwright (`ui/e2e`), in front of a real agent, a real
//! keychain and the demo provider.
//!
//! Playwright walks; this test sets the stage and, when a walk asks for it, does to it what a page
//! cannot: locks the keychain, kills the agent. The page is the one that `ui/dist` holds, which the
//! desktop app compiles in. `VALETKEY_PAGE` picks walks: `VALETKEY_PAGE="keyboard --headed"`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use valetkey_demo_provider::{DemoProvider, Settings};
use valetkey_tests::{Agent, Desktop, Running, browser, cli};

/// Some minutes on two busy cores.
const LONGEST: Duration = Duration::from_mins(20);

#[test]
fn the_page_does_in_chromium_all_that_it_shows() {
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui");
    for made in ["node_modules", "dist"] {
        let hint = "run `cargo xtask test`, or `npm ci && npm run build` in ui/";
        assert!(ui.join(made).is_dir(), "ui/{made} is missing: {hint}");
    }
    let provider = DemoProvider::start(Settings::default()).expect("a free port");
    let mut stage = Stage::start();
    let asked = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = asked.local_addr().expect("it is bound");

    let mut playwright = stage.desktop.command(playwright(&ui));
    playwright
        .arg("test")
        .args(wanted())
        .current_dir(&ui)
        .env("VALETKEY_UI_AGENT", stage.agent_url())
        .env("VALETKEY_UI_KEY", stage.key())
        .env("VALETKEY_UI_SOCKET", stage.socket())
        .env("VALETKEY_UI_PROVIDER", provider.issuer())
        .env("VALETKEY_UI_STAGE", format!("http://{address}"))
        .env("VALETKEY_UI_CHROMIUM", browser::chromium());
    let mut walk = Running::start(&mut playwright);

    let ended = thread::scope(|scope| {
        let stage = scope.spawn(|| stage.serve(&asked));
        let ended = walk.wait_within(LONGEST);
        request(
            TcpStream::connect(address).expect("the stage listens"),
            "end",
        );
        stage.join().expect("the stage did all that was asked");
        ended
    });
    let told = walk.output();
    let passed = ended.is_some_and(|status| status.success());
    assert!(passed, "Playwright ended with {ended:?}:\n{told}");
    for figures in told.lines().filter(|line| line.contains("figures:")) {
        println!("{figures}");
    }
}

fn playwright(ui: &Path) -> PathBuf {
    ui.join("node_modules/.bin/playwright")
}

fn wanted() -> Vec<String> {
    let wanted = std::env::var("VALETKEY_PAGE").unwrap_or_default();
    wanted.split_whitespace().map(str::to_owned).collect()
}

/// What stands behind the page.
struct Stage {
    agent: Option<Agent>,
    port: u16,
    desktop: Desktop,
}

impl Stage {
    fn start() -> Self {
        let desktop = Desktop::start();
        let agent = Agent::launch(deciding(&mut Agent::command(&desktop)));
        Self {
            port: agent.port(),
            agent: Some(agent),
            desktop,
        }
    }

    fn agent_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// For what a client key may not do.
    fn socket(&self) -> PathBuf {
        let agent = self.agent.as_ref().expect("the agent runs");
        agent.socket_path().to_owned()
    }

    /// For the proxy in front of the page, which uses the loopback listener.
    fn key(&self) -> String {
        let create = ["key", "create", "--name", "ui", "--manage", "--json"];
        let made = cli::ok(&self.desktop, &create).json();
        made["key"].as_str().expect("it is shown once").to_owned()
    }

    /// Does what is asked, until the walk has ended.
    fn serve(&mut self, asked: &TcpListener) {
        for stream in asked.incoming() {
            let stream = stream.expect("it listens");
            match asked_for(&stream).as_str() {
                "lock" => self.desktop.keyring().lock(),
                "kill" => self.agent.take().expect("the agent runs").kill(),
                "restore" => self.restore(),
                "end" => return,
                other => panic!("the stage cannot `{other}`"),
            }
            answer(&stream);
        }
    }

    fn restore(&mut self) {
        if self.desktop.keyring().is_locked() {
            self.desktop.keyring().unlock();
        }
        let port = self.port;
        let desktop = &self.desktop;
        self.agent
            .get_or_insert_with(|| Agent::launch(deciding(&mut Agent::command_at(desktop, port))));
    }
}

/// One that lists as questions what it refuses: it has no window to ask in.
fn deciding(command: &mut Command) -> &mut Command {
    command
        .args(["--policy", "deny"])
        .env_remove("VALETKEY_LOG")
}

/// The deed in `POST /deed`.
fn asked_for(stream: &TcpStream) -> String {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let request = lines.next().unwrap_or_default();
    lines.find(String::is_empty);
    let path = request.split(' ').nth(1).unwrap_or_default();
    path.trim_start_matches('/').to_owned()
}

fn request(mut stream: TcpStream, deed: &str) {
    write!(stream, "POST /{deed} HTTP/1.1\r\n\r\n").expect("the stage listens");
}

fn answer(mut stream: &TcpStream) {
    let reply = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    stream.write_all(reply.as_bytes()).expect("it waits");
}

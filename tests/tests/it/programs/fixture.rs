//! An agent that refuses and lists whatever no rule allows, and programs that ask it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use valetkey_tests::{Agent, AgentFixture, HttpClient, cli};

/// What a program prints that got the token.
pub(super) const GRANTED: &str = "granted";

/// Asks over the connection that `FD` names, or over a new one; prints [`GRANTED`] or the status.
/// `NEXT` names a folder to go to, and a script to become, over the same connection.
pub(super) const PYTHON: &str = r#"
import http.client, os, socket, sys
fd = os.environ.get("FD")
sock = socket.socket(fileno=int(fd)) if fd else socket.socket(socket.AF_UNIX)
if not fd:
    sock.connect(os.environ["SOCKET"])
client = http.client.HTTPConnection("localhost")
client.sock = sock
client.request("POST", "/api/v1/credentials/connections/acme/token", "{}", {"Content-Type": "application/json"})
reply = client.getresponse()
reply.read()
print("granted" if reply.status == 200 else reply.status, flush=True)
after = os.environ.pop("NEXT", None)
if after:
    folder, script = after.split(":")
    os.set_inheritable(sock.fileno(), True)
    os.environ["FD"] = str(sock.fileno())
    os.chdir(folder)
    arguments = sys.orig_argv[:-1] + [script]
    os.execv(arguments[0], arguments)
"#;

const NODE: &str = r#"
import http from "node:http";
const options = {
  socketPath: process.env.SOCKET,
  path: "/api/v1/credentials/connections/acme/token",
  method: "POST",
};
const ask = () =>
  new Promise((resolve, reject) => {
    const request = http.request(options, (reply) => {
      reply.resume();
      reply.on("end", () => resolve(reply.statusCode));
    });
    request.on("error", reject);
    request.end();
  });
const times = Number(process.env.TIMES ?? "1");
const replies = await Promise.all(Array.from({ length: times }, ask));
console.log(replies.every((status) => status === 200) ? "granted" : replies.join(" "));
"#;

pub(super) struct Asking {
    fixture: AgentFixture,
    socket: PathBuf,
}

impl Asking {
    /// With a connection `acme`.
    pub(super) fn start() -> Self {
        let fixture = AgentFixture::start();
        fixture.sign_in("acme");
        let mut asking = Self {
            fixture,
            socket: PathBuf::new(),
        };
        asking.restart();
        asking
    }

    pub(super) fn restart(&mut self) {
        self.fixture.kill();
        let mut command = Agent::command(&self.fixture.desktop);
        command.args(["--policy", "deny"]);
        self.fixture.start_agent_by(&mut command);
        self.fixture
            .agent()
            .socket_path()
            .clone_into(&mut self.socket);
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(super) fn http(&self) -> HttpClient {
        HttpClient::Socket(self.socket.clone())
    }

    /// A command in the home, which is also its working directory.
    pub(super) fn command(&self, program: impl AsRef<Path>, arguments: &[&str]) -> Command {
        let mut command = self.fixture.desktop.command(program);
        command.args(arguments).env("SOCKET", &self.socket);
        command.current_dir(self.home());
        command
    }

    pub(super) fn home(&self) -> PathBuf {
        self.fixture.desktop.home()
    }

    /// The path of the command `valetkey`.
    #[expect(clippy::unused_self, reason = "reads as the others")]
    pub(super) fn valetkey(&self) -> String {
        std::env::var("VALETKEY_BIN").expect("`cargo xtask test` sets it")
    }

    /// The path of Python itself, behind any wrapper.
    pub(super) fn python(&self) -> String {
        let print = "import os, sys; print(os.path.realpath(sys.executable))";
        let output = self.command("python3", &["-c", print]).output();
        let path = String::from_utf8(output.expect("Python").stdout).expect("a path");
        path.trim().to_owned()
    }

    /// A file in the home.
    pub(super) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    pub(super) fn python_script(&self, name: &str) -> PathBuf {
        self.file(name, PYTHON)
    }

    pub(super) fn node_script(&self, name: &str, before: &str) -> PathBuf {
        self.file(name, &format!("{before}\n{NODE}"))
    }

    /// Asks by `valetkey token`.
    pub(super) fn shell_script(&self, name: &str, options: &str) -> PathBuf {
        let valetkey = self.valetkey();
        let text = format!("{valetkey} token acme {options} >/dev/null && echo {GRANTED}\n: end\n");
        self.file(name, &text)
    }

    /// Whether it printed that it got the token.
    #[expect(clippy::unused_self, reason = "the agent must run")]
    pub(super) fn gets(&self, command: &mut Command) -> bool {
        let output = command.output().expect("it starts");
        let stdout = String::from_utf8_lossy(&output.stdout);
        stdout.lines().any(|line| line.trim() == GRANTED)
    }

    /// What is listed as not answered.
    pub(super) fn questions(&self) -> Vec<Value> {
        let list = cli::ok(&self.fixture.desktop, &["access", "list", "--json"]).json();
        list["approvals"].as_array().expect("a list").clone()
    }

    pub(super) fn only_question(&self) -> Value {
        let mut questions = self.questions();
        assert_eq!(questions.len(), 1, "{questions:#?}");
        questions.remove(0)["question"].take()
    }

    /// Allows what is listed, for good.
    pub(super) fn allow_all(&self) {
        for question in self.questions() {
            self.allow(&question);
        }
    }

    /// Allows one that is listed, for good and in any project.
    pub(super) fn allow(&self, question: &Value) {
        let id = question["id"].to_string();
        cli::ok(&self.fixture.desktop, &["access", "allow", &id]);
    }

    /// What the agent logged.
    pub(super) fn log(&self) -> String {
        let file = self.fixture.desktop.valetkey_home().join("oauth.log");
        fs::read_to_string(file).expect("the log")
    }
}

pub(super) fn make_executable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("our own file");
}

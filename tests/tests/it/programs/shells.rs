//! The person at an interactive shell, and what is not them.

use valetkey_tests::Running;

use super::fixture::{Asking, GRANTED};

/// An interactive shell on a terminal of its own.
struct Terminal {
    running: Running,
    lines: usize,
}

impl Terminal {
    fn open(asking: &Asking) -> Self {
        let shell = "bash --norc --noprofile -i";
        let mut command = asking.command("script", &["-qec", shell, "/dev/null"]);
        Self {
            running: Running::start(&mut command),
            lines: 0,
        }
    }

    /// Types a command that ends with [`GRANTED`] if it got the token; whether it did.
    fn gets(&mut self, command: &str) -> bool {
        self.running.write(&format!("{command}; echo en''ded\n"));
        let from = self.lines;
        let (lines, ()) = self.running.wait_from(from, "the end", |line| {
            line.text.ends_with("ended").then_some(())
        });
        self.lines = lines;
        let all = self.running.lines();
        all[from..lines]
            .iter()
            .any(|line| line.text.trim() == GRANTED)
    }
}

fn ask(asking: &Asking) -> String {
    format!(
        "{} token acme >/dev/null && echo {GRANTED}",
        asking.valetkey()
    )
}

#[test]
fn a_terminal_is_the_person_and_scripts_in_it_are_not() {
    let mut asking = Asking::start();
    let command = ask(&asking);
    let mut terminal = Terminal::open(&asking);
    assert!(!terminal.gets(&command));
    let question = asking.only_question();
    assert_eq!(question["program"]["name"], "Terminal", "{question}");
    assert_eq!(question["program"]["location"], "interactive bash");
    asking.allow_all();
    assert!(terminal.gets(&command));
    asking.restart();
    assert!(terminal.gets(&command), "after a restart");
    assert!(Terminal::open(&asking).gets(&command), "another terminal");

    asking.shell_script("evil.sh", "");
    let padding = format!(": {};\n{command}\n", "x".repeat(20_000));
    asking.file("long.sh", &padding);
    for evil in [
        "bash evil.sh",
        "bash <evil.sh",
        "cat evil.sh | bash",
        "bash -s <evil.sh",
        "bash <(cat evil.sh)",
        "bash /dev/stdin <evil.sh",
        "bash -i <evil.sh 2>/dev/null",
        "sh -c \"$(cat evil.sh)\"",
        "sh -c \"$(cat long.sh)\"",
    ] {
        assert!(!terminal.gets(evil), "`{evil}` got the token");
    }
}

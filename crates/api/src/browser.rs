//! Opens the person's browser, from the environment of the client in front of the person.
//!
//! In this order: the setting, `$BROWSER`, the desktop's default. The URL is exactly one argument
//! and never passes through a shell, and only https or loopback URLs get here at all: an authorize
//! URL comes from outside, and openers take more than web addresses.

use std::env;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use valetkey_core::endpoint_url::EndpointUrl;

use crate::command_line::words;

/// An opener that fails does so within this time; one that still runs then has opened the browser.
const OPENER_TIMEOUT: Duration = Duration::from_millis(400);
const OPENER_POLL: Duration = Duration::from_millis(10);

/// Opens `url`; the error says why no browser could be opened.
pub fn open(url: &str, setting: Option<&str>) -> Result<(), String> {
    let url = EndpointUrl::parse(url).map_err(|error| error.to_string())?;
    let mut why = None;
    for mut command in commands(url.as_str(), setting, env::var("BROWSER").ok().as_deref()) {
        match launch(&mut command) {
            Ok(()) => return Ok(()),
            // The first is what the person chose, the rest are guesses.
            Err(error) => why = why.or(Some(error)),
        }
    }
    Err(why.unwrap_or_else(|| "there is no program to open it with; set `$BROWSER`".to_owned()))
}

/// The commands to try, best first.
pub fn commands(url: &str, setting: Option<&str>, variable: Option<&str>) -> Vec<Command> {
    let variable = variable.unwrap_or_default().split(':');
    let own = setting.into_iter().chain(variable);
    let own = own.filter_map(|template| command(template, url));
    own.chain(open::commands(url)).collect()
}

/// A command from its template: `%s` (or else the end) is where the URL goes, `%%` is a percent sign.
fn command(template: &str, url: &str) -> Option<Command> {
    let words = words(template);
    let (program, args) = words.split_first()?;
    let mut command = Command::new(program);
    let mut placed = false;
    for arg in args {
        let mut text = String::new();
        let mut rest = arg.as_str();
        while let Some(at) = rest.find('%') {
            text.push_str(&rest[..at]);
            let (put, used) = match rest.as_bytes().get(at + 1) {
                Some(b's') => (url, 2),
                Some(b'%') => ("%", 2),
                _ => ("%", 1),
            };
            placed |= put == url;
            text.push_str(put);
            rest = &rest[at + used..];
        }
        text.push_str(rest);
        command.arg(text);
    }
    if !placed {
        command.arg(url);
    }
    Some(command)
}

/// Starts an opener without our environment variables, which may hold a passphrase.
pub fn launch(command: &mut Command) -> Result<(), String> {
    // A group of its own: Ctrl-C here must not end the browser.
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    for (name, _) in env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"VALETKEY_") {
            command.env_remove(name);
        }
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .spawn()
        .map_err(|error| format!("`{program}`: {error}"))?;
    let until = Instant::now() + OPENER_TIMEOUT;
    while Instant::now() < until {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("`{program}` failed ({status})")),
            Ok(None) => sleep(OPENER_POLL),
            Err(error) => return Err(format!("`{program}`: {error}")),
        }
    }
    // It may run for days: without a wait it would stay as a zombie of this process.
    let wait = thread::Builder::new().name("opener".to_owned());
    wait.spawn(move || child.wait())
        .map(drop)
        .map_err(|error| format!("`{program}`: {error}"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const URL: &str = "https://h/a?b=%20c&d='e f";

    fn argv(command: &Command) -> Vec<String> {
        std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| word.to_string_lossy().into_owned())
            .collect()
    }

    fn first(setting: Option<&str>, variable: Option<&str>) -> Vec<String> {
        argv(&commands(URL, setting, variable)[0])
    }

    #[test]
    fn the_setting_comes_before_the_variable() {
        assert_eq!(first(Some("firefox"), Some("chromium")), ["firefox", URL]);
        assert_eq!(first(None, Some("chromium")), ["chromium", URL]);
    }

    #[test]
    fn the_url_is_one_argument_wherever_it_stands() {
        assert_eq!(
            first(
                Some("\"/opt/my browser/run\" --new --app=%s 100%% -x"),
                None
            ),
            [
                "/opt/my browser/run",
                "--new",
                &format!("--app={URL}"),
                "100%",
                "-x"
            ]
        );
    }

    #[test]
    fn every_browser_of_the_variable_is_tried() {
        let all = commands(URL, None, Some("one -a:two"));
        assert_eq!(argv(&all[0]), ["one", "-a", URL]);
        assert_eq!(argv(&all[1]), ["two", URL]);
        assert!(all.len() > 2, "the desktop's own follow");
    }

    #[test]
    fn what_is_no_web_address_is_not_opened() {
        for url in [
            "file:///etc/passwd",
            "http://example.com/",
            "javascript:1",
            "https://a b/",
            "-x",
        ] {
            assert!(open(url, Some("true")).is_err(), "{url}");
        }
        assert!(open("https://example.com/", Some("true")).is_ok());
    }

    #[test]
    fn a_browser_that_outlives_its_start_leaves_no_zombie() {
        let folder = tempfile::tempdir().unwrap();
        let (pid, end) = (folder.path().join("pid"), folder.path().join("end"));
        let script = format!(
            "echo $$ > {}; while [ ! -e {} ]; do sleep 0.01; done",
            pid.display(),
            end.display()
        );
        launch(Command::new("sh").args(["-c", &script])).unwrap();
        let pid = std::fs::read_to_string(pid).unwrap();
        let process = PathBuf::from("/proc").join(pid.trim());
        assert!(process.exists(), "it still runs");
        std::fs::write(end, "").unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        while process.exists() {
            assert!(Instant::now() < deadline, "it is a zombie");
            sleep(OPENER_POLL);
        }
    }

    #[test]
    fn a_browser_that_fails_is_followed_by_the_next() {
        let mut commands = commands(URL, Some("false"), Some("true"));
        assert_eq!(
            launch(&mut commands[0]).unwrap_err(),
            "`false` failed (exit status: 1)"
        );
        assert!(launch(&mut commands[1]).is_ok());
    }
}

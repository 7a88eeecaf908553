//! The demo provider as a process: prints JSON when it listens, then serves until it is killed. Its state is in memory only, so there is nothing to save.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use clap::Parser;
use serde_json::json;
use valetkey_demo_provider::{Consent, DemoProvider, Settings};

/// A small OAuth provider for trying out and testing Valet Key
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// JSON file with settings
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Sign in this account without a consent page
    #[arg(long, value_name = "ACCOUNT")]
    auto_consent: Option<String>,
    /// Lifetime of access tokens
    #[arg(long, value_name = "SECONDS")]
    lifetime: Option<f64>,
    /// Print, instead of the issuer, a client of it for `valetkey add --config`
    #[arg(long)]
    print_config: bool,
    /// Stop when stdin closes
    #[arg(long)]
    until_stdin_closes: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match serve(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // If stderr is closed too, the exit code is all that is left.
            let _ = writeln!(io::stderr(), "error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: &Arguments) -> io::Result<()> {
    let provider = DemoProvider::start_at(arguments.port, settings(arguments)?)
        .map_err(|error| port_in_use(arguments.port, error))?;
    let mut stdout = io::stdout();
    if arguments.print_config {
        writeln!(stdout, "{:#}", provider.client_config("Demo"))?;
    } else {
        writeln!(stdout, "{}", json!({ "issuer": provider.issuer() }))?;
    }
    stdout.flush()?;

    if arguments.until_stdin_closes {
        io::stdin().read_to_end(&mut Vec::new())?;
        return Ok(());
    }
    loop {
        thread::park();
    }
}

fn port_in_use(port: u16, error: io::Error) -> io::Error {
    if error.kind() != io::ErrorKind::AddrInUse {
        return error;
    }
    let text = format!(
        "port {port} is in use by another program\n\nhint: end that program, or choose another port with \
         `--port`"
    );
    io::Error::new(error.kind(), text)
}

fn settings(arguments: &Arguments) -> io::Result<Settings> {
    let mut settings = match &arguments.settings {
        Some(path) => serde_json::from_str(&fs::read_to_string(path)?)?,
        None => Settings::default(),
    };
    if let Some(account) = &arguments.auto_consent {
        settings.consent = Consent::allow(account);
    }
    if arguments.lifetime.is_some() {
        settings.access_token_lifetime_seconds = arguments.lifetime;
    }
    Ok(settings)
}

//! `valetkey export`: authenticators as a file that `valetkey import` reads back. Client secrets are in it
//! only if they were asked for, and then it is encrypted here: in a process that ends, because deriving the
//! key takes 256 MiB. Refresh tokens are never in it.

use valetkey_api::authenticators::ExportRequest;
use valetkey_api::core::secret_json;
use valetkey_transfer::encrypted;

use super::{output_file, passphrase};
use crate::agent;
use crate::args::{Export, Global};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

pub(super) fn export(terminal: Terminal, global: &Global, args: &Export) -> Result<(), Failure> {
    if let Some(path) = &args.output {
        output_file::check(path, args.force)?;
    }
    let passphrase = args
        .with_secrets
        .then(|| passphrase::New::from(terminal, &args.passphrase))
        .transpose()?;
    let names = (!args.authenticators.is_empty()).then(|| args.authenticators.clone());
    let exported = agent::connect(global)?.export(&ExportRequest {
        authenticators: names,
        secrets: args.with_secrets,
    })?;
    let count = exported.authenticators.len();
    if count == 0 {
        let what = "there is no authenticator to export";
        return Err(Failure::new(Exit::NotFound, what).hint("`valetkey list` lists them"));
    }
    let text = match passphrase {
        None => {
            let text = serde_json::to_string_pretty(&exported).expect("it is JSON");
            format!("{text}\n")
        }
        Some(passphrase) => {
            let content = secret_json::to_vec(&exported);
            drop(exported);
            encrypted::encrypt(&content, &passphrase.read()?)
        }
    };
    let Some(path) = &args.output else {
        return terminal.data(&text);
    };
    output_file::write(path, text.as_bytes(), args.force)?;
    let what = if count == 1 {
        "authenticator"
    } else {
        "authenticators"
    };
    terminal.say(|_| format!("wrote {count} {what} to `{}`\n", path.display()));
    Ok(())
}

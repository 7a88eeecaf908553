//! `valetkey import`: authenticators from files and from what other tools keep. What was found is shown first,
//! and nothing is stored before the person has said yes; a name that is taken is a question of its own.
//! Sources are only read, but for a login that the person moves ([`moving`]).

mod moving;
mod plan;
mod source;
pub(super) mod store;

use serde::Serialize;

use crate::agent;
use crate::args::{Global, Import};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::import as words;
use crate::terminal::Terminal;

use plan::Plan;
use source::Source;
use store::Outcome;

/// `--dry-run`
#[derive(Debug, Serialize)]
struct Preview<'a> {
    found: &'a [words::Row],
    remarks: &'a [String],
}

pub(super) fn import(terminal: Terminal, global: &Global, args: &Import) -> Result<(), Failure> {
    super::authenticators::read_own_providers();
    let source = Source::of(args)?;
    let read = source.read()?;
    let found = source.found(terminal, &read, &args.passphrase)?;
    let mut agent = agent::connect(&Global {
        profile: None,
        ..global.clone()
    })?;
    let mut plan = Plan::new(global, args, found, &mut agent)?;
    let rows = plan.rows();
    if terminal.json && args.dry_run {
        return terminal.json(&Preview {
            found: &rows,
            remarks: &plan.remarks,
        });
    }
    if !terminal.json {
        terminal.say(|style| words::preview(&rows, &plan.remarks, style));
    }
    if plan.is_empty() {
        let what = format!("there is nothing to import in {source}");
        return Err(Failure::new(Exit::NotFound, what));
    }
    if args.dry_run {
        return Ok(());
    }
    plan.check()?;
    plan.resolve_conflicts(terminal, args)?;
    if !args.yes {
        if !terminal.can_ask() {
            return Err(Failure::new(Exit::Usage, "nobody can be asked")
                .why("an import is confirmed")
                .hint("look with `--dry-run`, then say `--yes`"));
        }
        if !terminal.ask(&plan.question())? {
            return Ok(());
        }
        if source.is_changed(&read)? {
            return Err(Failure::new(
                Exit::TryLater,
                format!("{source} was changed after it was shown"),
            )
            .why("nothing was imported")
            .hint("run the command again"));
        }
    }
    let mut outcome = Outcome::default();
    let stored = plan.store(terminal, args, &mut outcome);
    if terminal.json && (stored.is_ok() || !outcome.is_empty()) {
        terminal.json(&outcome)?;
    }
    stored
}

//! Completions and manual pages, made from the arguments.

use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Cli;
use crate::completion;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

pub(super) fn completions(terminal: Terminal, shell: Shell) -> Result<(), Failure> {
    terminal.data(&String::from_utf8_lossy(&completion::script(shell)))
}

pub(super) fn man(folder: &Path) -> Result<(), Failure> {
    clap_mangen::generate_to(Cli::command(), folder).map_err(|error| {
        let what = format!(
            "the manual pages cannot be written to `{}`",
            folder.display()
        );
        Failure::new(Exit::Failed, what).why(error)
    })
}

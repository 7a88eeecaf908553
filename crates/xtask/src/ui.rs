//! The page in the window: built by npm into `ui/dist`, which the desktop app compiles in.

use crate::machine::{self, Consent};
use crate::needs;
use crate::node::Node;
use crate::shell::Failure;

/// Sees to it that the desktop app can be built: its libraries, and the page that it shows.
pub(crate) fn prepare(consent: Consent) -> Result<Node, Failure> {
    machine::prepare(needs::DESKTOP, consent)?;
    let node = Node::prepare(consent)?;
    node.install_packages("ui")?;
    node.run_script("ui", "build")?;
    Ok(node)
}

/// Formatting and suspicious code of the page.
pub(crate) fn lint(node: &Node) -> Result<(), Failure> {
    node.run_script("ui", "lint")
}

/// Types, words and logic of the page.
pub(crate) fn test(node: &Node) -> Result<(), Failure> {
    node.run_script("ui", "check")?;
    node.run_script("ui", "test")
}

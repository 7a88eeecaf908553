//! The page in the window: built by npm into `ui/dist`, which the desktop app compiles in.

use crate::command::TaskError;
use crate::node::Node;
use crate::packages::{self, Consent};
use crate::requirements;

/// Prepares a build of the desktop app: installs its libraries and builds the page.
pub(crate) fn prepare(consent: Consent) -> Result<Node, TaskError> {
    packages::prepare(requirements::DESKTOP, consent)?;
    let node = Node::prepare(consent)?;
    node.install_packages("ui")?;
    node.run_script("ui", "build")?;
    Ok(node)
}

/// Checks the page's format and lints.
pub(crate) fn lint(node: &Node) -> Result<(), TaskError> {
    node.run_script("ui", "lint")
}

/// Checks the page's types and runs its unit tests.
pub(crate) fn test(node: &Node) -> Result<(), TaskError> {
    node.run_script("ui", "check")?;
    node.run_script("ui", "test")
}

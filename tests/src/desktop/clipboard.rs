//! The clipboard of a screen, as other programs see it.

use crate::desktop::Session;
use crate::process::Running;
use crate::wait;

impl Session {
    /// The text that would be pasted now.
    pub fn clipboard(&self) -> Option<String> {
        let mut xclip = self.desktop.command("xclip");
        let read = xclip.args(["-selection", "clipboard", "-out"]).output();
        let read = read.unwrap_or_else(|error| panic!("`xclip` does not start: {error}"));
        let text = String::from_utf8(read.stdout).expect("plain text");
        (read.status.success() && !text.is_empty()).then_some(text)
    }

    /// Copies something in another program, which serves it until it is dropped.
    pub fn copy(&self, text: &str) -> Running {
        let mut xclip = self.desktop.command("xclip");
        let mut program = Running::start(xclip.args(["-selection", "clipboard", "-in", "-quiet"]));
        program.write(text);
        program.close_stdin();
        wait::until("the new clipboard", || {
            (self.clipboard().as_deref() == Some(text)).then_some(())
        });
        program
    }
}

//! The messages between the app and the process of its window: one JSON text per line, over two pipes
//! that no other process holds, those of the web engine included (`child_process`). No `Debug`: what a
//! person types as a secret passes here.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Messages of the window's process.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FromWindow {
    /// The page called a command; the reply carries the same `id`.
    Called {
        id: u32,
        command: String,
        args: Value,
    },
    /// The window is in front.
    Shown,
    /// The person wants to close the window.
    CloseRequested,
    /// The window got or lost the keyboard focus.
    Focused(bool),
}

/// Messages of the app.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToWindow {
    /// A command succeeded.
    Done { id: u32, value: Value },
    /// A command failed.
    Failed { id: u32, error: Value },
    /// The next text of a stream; an empty one is its end.
    Text { stream: u32, text: String },
    /// Close the window.
    Close,
    /// Bring the window to the front, at this place of the page.
    Show { fragment: Option<String> },
}

/// One message, as it is written.
pub(crate) fn line(message: &impl Serialize) -> String {
    let mut line = serde_json::to_string(message).expect("messages serialise");
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_is_one_line_whatever_it_carries() {
        let text = "data: {}\n\ndata: \u{2028}".to_owned();
        let line = line(&ToWindow::Text { stream: 7, text });
        assert_eq!(line.matches('\n').count(), 1);
        let Ok(ToWindow::Text { stream: 7, text }) = serde_json::from_str(&line) else {
            panic!("{line}");
        };
        assert_eq!(text, "data: {}\n\ndata: \u{2028}");
    }

    #[test]
    fn a_call_reads_back() {
        let call = FromWindow::Called {
            id: 1,
            command: "request".to_owned(),
            args: json!({"method": "GET"}),
        };
        let back: FromWindow = serde_json::from_str(&line(&call)).unwrap();
        assert!(matches!(back, FromWindow::Called { id: 1, args, .. } if args["method"] == "GET"));
    }
}

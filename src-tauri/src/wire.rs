//! What the app and the process of its window say to each other: one JSON text a line, over two
//! pipes that no other process holds, those of the web engine included (`own_process`). Not printable: what a person types as a secret passes here.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the window's process says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FromWindow {
    /// The page called a command; the answer carries the same `id`.
    Asked {
        id: u32,
        command: String,
        args: Value,
    },
    /// The window stands in front.
    Shown,
    /// The window has the keyboard, or no longer.
    Focused(bool),
}

/// What the app says.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToWindow {
    /// A command was carried out.
    Answered { id: u32, value: Value },
    /// A command was not.
    Refused { id: u32, error: Value },
    /// The next text of a stream; an empty one is its end.
    Text { stream: u32, text: String },
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
    fn what_is_asked_reads_back() {
        let asked = FromWindow::Asked {
            id: 1,
            command: "request".to_owned(),
            args: json!({"method": "GET"}),
        };
        let back: FromWindow = serde_json::from_str(&line(&asked)).unwrap();
        assert!(matches!(back, FromWindow::Asked { id: 1, args, .. } if args["method"] == "GET"));
    }
}

//! Columns of text, two spaces apart.

use std::fmt::Write as _;
use valetkey_api::core::printable::printable;

use crate::style::{Style, Tone};

/// A table with its headings.
pub(super) struct Table {
    rows: Vec<Vec<Cell>>,
}

/// One cell.
pub(super) struct Cell {
    text: String,
    tone: Option<Tone>,
}

impl Cell {
    /// A cell in `tone`.
    pub(super) fn toned(text: &str, tone: Tone) -> Self {
        Self {
            tone: Some(tone),
            ..Self::from(text)
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self {
            text: printable(text).into_owned(),
            tone: None,
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl Table {
    /// A table with these headings.
    pub(super) fn new(headings: &[&str]) -> Self {
        let headings = headings.iter();
        Self {
            rows: vec![
                headings
                    .map(|text| Cell::toned(text, Tone::Faint))
                    .collect(),
            ],
        }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        self.rows.push(cells.into());
    }

    /// All rows, without trailing spaces.
    pub(super) fn render(&self, style: Style) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|cell| cell.text.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                match cell.tone {
                    Some(tone) => text.push_str(&style.paint(tone, &cell.text).to_string()),
                    None => text.push_str(&cell.text),
                }
                if row[column + 1..].iter().any(|later| !later.text.is_empty()) {
                    let gap = widths[column] - cell.text.chars().count() + 2;
                    text.extend(std::iter::repeat_n(' ', gap));
                } else {
                    break;
                }
            }
            text.push('\n');
        }
        text
    }
}

/// Lines of `name  value`, for one thing in full.
pub(super) fn fields(rows: &[(&str, String)], style: Style) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in rows {
        let name = format!("{name:width$}");
        let name = style.paint(Tone::Faint, name);
        writeln!(text, "{name}  {}", printable(value)).expect("a String takes everything");
    }
    text
}

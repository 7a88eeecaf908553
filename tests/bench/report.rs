//! The table at the end.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::machine;

/// Collected lines.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

struct Row {
    what: String,
    baseline: String,
    measured: String,
    ratio: String,
    budget: String,
    met: Option<bool>,
}

impl Report {
    /// A time against its baseline, both in microseconds; the budget is a ratio.
    pub(crate) fn ratio(&mut self, what: &str, baseline: f64, measured: f64, budget: Option<f64>) {
        let ratio = measured / baseline;
        self.add(Row {
            what: what.to_owned(),
            baseline: format!("{baseline:.1} us"),
            measured: format!("{measured:.1} us"),
            ratio: format!("{ratio:.2}"),
            budget: budget.map_or_else(String::new, |budget| format!("<= {budget:.1} x")),
            met: budget.map(|budget| ratio <= budget),
        });
    }

    /// A figure with a limit of its own.
    pub(crate) fn figure(&mut self, what: &str, measured: f64, unit: &str, budget: Option<f64>) {
        self.add(Row {
            what: what.to_owned(),
            baseline: String::new(),
            measured: format!("{measured:.1} {unit}"),
            ratio: String::new(),
            budget: budget.map_or_else(String::new, |budget| format!("<= {budget:.0} {unit}")),
            met: budget.map(|budget| measured <= budget),
        });
    }

    fn add(&mut self, row: Row) {
        machine::say(&format!("{}: {} ({})", row.what, row.measured, row.ratio));
        self.rows.push(row);
    }

    /// Writes the table to stdout, as Markdown.
    pub(crate) fn print(&self) {
        let mut text = format!("Measured on {}.\n\n", machine::describe());
        text.push_str("| what | baseline | measured | ratio | budget | |\n");
        text.push_str("| --- | ---: | ---: | ---: | ---: | --- |\n");
        for row in &self.rows {
            let met = row.met.map_or("", |met| if met { "met" } else { "missed" });
            let Row {
                what,
                baseline,
                measured,
                ratio,
                budget,
                ..
            } = row;
            writeln!(
                text,
                "| {what} | {baseline} | {measured} | {ratio} | {budget} | {met} |"
            )
            .expect("writing to a String cannot fail");
        }
        std::io::stdout()
            .write_all(text.as_bytes())
            .expect("stdout takes the report");
    }
}

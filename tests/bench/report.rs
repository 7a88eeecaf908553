//! The tables at the end, as the README has them.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::machine;
use crate::statistics::Rounds;
use crate::tokens::Latencies;

/// Collected rows.
#[derive(Default)]
pub(crate) struct Report {
    tokens: Vec<String>,
    commands: Vec<String>,
    figures: Vec<String>,
}

/// One load on all servers.
pub(crate) struct TokenRow {
    pub(crate) what: String,
    pub(crate) one_thread: Latencies,
    pub(crate) two_threads: Latencies,
    pub(crate) agent: Latencies,
    /// Ratios to the server of one thread.
    pub(crate) p50: Rounds,
    pub(crate) p99: Rounds,
    pub(crate) budget: Option<Budget>,
}

/// The largest allowed ratios.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Report {
    pub(crate) fn token(&mut self, row: &TokenRow) {
        let budget = row.budget.map_or_else(String::new, |Budget { p50, p99 }| {
            let is_met = row.p50.median() <= p50 && row.p99.median() <= p99;
            format!("{p50:.1}, {p99:.1}{}", verdict(is_met))
        });
        let time = |it: &Latencies| format!("{:.0}, {:.0} us", it.p50.median(), it.p99.median());
        let TokenRow {
            what,
            one_thread,
            two_threads,
            agent,
            p50,
            p99,
            ..
        } = row;
        let (one, two, agent) = (time(one_thread), time(two_threads), time(agent));
        add(
            &mut self.tokens,
            &[
                what,
                &one,
                &two,
                &agent,
                &p50.to_string(),
                &p99.to_string(),
                &budget,
            ],
        );
    }

    /// What something adds to a baseline, in microseconds.
    pub(crate) fn added(&mut self, what: &str, least: &Rounds, measured: &Rounds, budget: f64) {
        let added = measured.median() - least.median();
        let (least, measured) = (least.median(), measured.median());
        let figure = format!("{added:.0} us ({measured:.0} beside {least:.0})");
        let budget = format!("{budget:.0} us{}", verdict(added <= budget));
        add(&mut self.figures, &[what, &figure, &budget]);
    }

    /// A command beside the least that a process costs; the budget is a ratio.
    pub(crate) fn command(
        &mut self,
        what: &str,
        least: &Rounds,
        measured: &Rounds,
        budget: Option<f64>,
    ) {
        let ratio = measured.ratio(least);
        let budget = budget.map_or_else(String::new, |budget| {
            format!("{budget:.1}{}", verdict(ratio.median() <= budget))
        });
        let time = |it: &Rounds| format!("{:.0} us", it.median());
        add(
            &mut self.commands,
            &[
                what,
                &time(least),
                &time(measured),
                &ratio.to_string(),
                &budget,
            ],
        );
    }

    /// A ratio to something else that the row names.
    pub(crate) fn ratio(&mut self, what: &str, ratio: &Rounds, budget: &str) {
        add(&mut self.figures, &[what, &ratio.to_string(), budget]);
    }

    /// A figure with a limit of its own.
    pub(crate) fn figure(&mut self, what: &str, measured: f64, unit: &str, budget: Option<f64>) {
        let budget = budget.map_or_else(String::new, |budget| {
            format!("{budget:.0} {unit}{}", verdict(measured <= budget))
        });
        add(
            &mut self.figures,
            &[what, &format!("{measured:.1} {unit}"), &budget],
        );
    }

    /// Writes the tables to stdout, as Markdown.
    pub(crate) fn print(&self) {
        let mut text = format!("Measured on {}.\n", machine::describe());
        let tables: [(&str, &str, &[String]); 3] = [
            (
                "| cached token (p50, p99) | axum, 1 thread | axum, 2 threads | Valet Key | p50 ratio | p99 ratio | budget |",
                "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
                &self.tokens,
            ),
            (
                "| whole process (p50) | `/bin/true` | measured | ratio | budget |",
                "| --- | ---: | ---: | ---: | --- |",
                &self.commands,
            ),
            (
                "| what | figure | budget |",
                "| --- | ---: | --- |",
                &self.figures,
            ),
        ];
        for (head, line, rows) in tables {
            if !rows.is_empty() {
                let rows = rows.join("\n");
                write!(text, "\n{head}\n{line}\n{rows}\n")
                    .expect("writing to a String cannot fail");
            }
        }
        let mut stdout = std::io::stdout();
        stdout
            .write_all(text.as_bytes())
            .expect("stdout takes the report");
    }
}

/// Shows progress, and keeps the row for the table.
fn add(rows: &mut Vec<String>, cells: &[&str]) {
    let cells: Vec<_> = cells.iter().map(|cell| cell.trim()).collect();
    let row = format!("| {} |", cells.join(" | "));
    machine::say(&row);
    rows.push(row);
}

fn verdict(is_met: bool) -> &'static str {
    if is_met { "" } else { " (missed)" }
}

//! Medians, percentiles and their spread.

use std::fmt;
use std::time::Duration;

/// The time below which `share` percent of all lie, in microseconds. Sorts.
pub(crate) fn percentile(times: &mut [Duration], share: usize) -> f64 {
    times.sort_unstable();
    let last = times.len().checked_sub(1);
    let time = last.map(|last| times[last * share / 100]);
    time.map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
}

/// The median of a round's times, in microseconds. Sorts.
pub(crate) fn median(times: &mut [Duration]) -> f64 {
    percentile(times, 50)
}

/// One figure for each round.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    /// This against a baseline that was measured in the same rounds.
    pub(crate) fn ratio(&self, baseline: &Self) -> Self {
        let pairs = self.0.iter().zip(&baseline.0);
        Self(
            pairs
                .map(|(measured, baseline)| measured / baseline)
                .collect(),
        )
    }

    pub(crate) fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    pub(crate) fn median(&self) -> f64 {
        let sorted = self.sorted();
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    }
}

/// `1.18 (1.15 to 1.24)`: the median, the smallest and the largest.
impl fmt::Display for Rounds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.2}", self.median())?;
        match (self.sorted().first(), self.sorted().last()) {
            (Some(least), Some(most)) if self.0.len() > 1 => {
                write!(formatter, " ({least:.2} to {most:.2})")
            }
            _ => Ok(()),
        }
    }
}

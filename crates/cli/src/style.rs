//! Colour, where a person looks on.

use std::fmt;

/// How words are set apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Error,
    Warning,
    Hint,
    Good,
    Heading,
    Faint,
    /// White on black, whatever the terminal's own colours are.
    Inverse,
}

/// Whether there is colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) colour: bool,
}

impl Style {
    /// No colour: pipes, `NO_COLOR`, tests.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { colour: false };

    /// `text` in `tone`.
    pub(crate) fn paint<T: fmt::Display>(self, tone: Tone, text: T) -> Painted<T> {
        let code = match tone {
            Tone::Error => "1;31",
            Tone::Warning => "1;33",
            Tone::Hint => "1;36",
            Tone::Good => "32",
            Tone::Heading => "1",
            Tone::Faint => "2",
            Tone::Inverse => "97;40",
        };
        Painted {
            code: self.colour.then_some(code),
            text,
        }
    }
}

/// Text with its colour around it.
pub(crate) struct Painted<T> {
    code: Option<&'static str>,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            None => self.text.fmt(f),
            Some(code) => {
                write!(f, "\u{1b}[{code}m")?;
                self.text.fmt(f)?;
                f.write_str("\u{1b}[0m")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_only_added_around_the_text() {
        let colour = Style { colour: true };
        assert_eq!(
            colour.paint(Tone::Good, "x").to_string(),
            "\u{1b}[32mx\u{1b}[0m"
        );
        assert_eq!(Style::PLAIN.paint(Tone::Good, "x").to_string(), "x");
    }
}

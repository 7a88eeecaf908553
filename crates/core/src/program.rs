//! Which program asks for a token, worked out from what the kernel says about a process and its
//! ancestors.
//!
//! An answer that is remembered must mean one program, and never everybody who can start it. So an
//! interpreter is named by its script, a tool that only passes a token on (`git`, `curl`, `valetkey`
//! itself) by whoever started it, and what cannot be told apart is [`Code::Unknown`] and is not
//! remembered. Same-user processes can deceive: this serves decisions about honest programs.

mod identify;
mod interpreter;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::printable::{MAX_LOCATION, MAX_NAME, shortened};

pub use identify::{asks_for_itself, identify};

/// What the kernel says about one process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessFacts {
    /// Its id.
    pub pid: i32,
    /// None if it is hidden: the process is not dumpable, or in another mount namespace, where the
    /// path names another file.
    pub executable: Option<PathBuf>,
    /// From `argv[0]` on; a process can change them. None if they are too long to look at.
    pub arguments: Option<Vec<String>>,
    /// Relative paths of its arguments begin here.
    pub working_directory: Option<PathBuf>,
    /// Whether its standard input is its controlling terminal.
    pub reads_terminal: bool,
    /// Whether its executable is the `valetkey` of this agent.
    pub is_valetkey: bool,
}

/// A program that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// What an answer is remembered for.
    pub client: Client,
    /// The project that it works in.
    pub project: Option<PathBuf>,
}

/// The identity of a program: no process id, no terminal, no time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Client {
    /// What runs.
    pub code: Code,
    /// Executables through which it asks, such as `/usr/bin/git`; the one that asked first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub through: Vec<PathBuf>,
    /// The application that started it; None if it is one itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub application: Option<Box<Code>>,
}

/// What a process runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Code {
    /// A compiled program.
    Executable {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        path: PathBuf,
    },
    /// A file that an interpreter runs.
    Script {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        interpreter: PathBuf,
        /// Options of the interpreter: they can load other code.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<String>,
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        path: PathBuf,
    },
    /// A module that an interpreter finds by name (`python -m`, `java Main`).
    Module {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        interpreter: PathBuf,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<String>,
        /// The working directory, where it is looked for first.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        folder: PathBuf,
        name: String,
    },
    /// Text on the command line (`sh -c`, `python -c`, `node -e`).
    Inline {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        interpreter: PathBuf,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<String>,
        /// The text and its arguments, which it may run.
        text: Vec<String>,
    },
    /// A command and all its arguments: what `valetkey run` starts, and an interpreter with options that are
    /// not known, so that it cannot be told which argument is its program.
    Command {
        arguments: Vec<String>,
        /// The working directory, if relative paths may be among the arguments of an interpreter.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
        folder: Option<PathBuf>,
    },
    /// The person at an interactive shell.
    Terminal {
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        shell: PathBuf,
        /// Options with values, which can name what it runs first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<String>,
    },
    /// It cannot be told which program it is, so no answer is remembered.
    Unknown { reason: UnknownReason },
}

/// Why it cannot be told which program asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnknownReason {
    /// The kernel does not show its executable, or shows a path of another mount namespace.
    HiddenExecutable,
    /// Its command line is too long, or it has overwritten it.
    HiddenArguments,
    /// The file that it runs is not where its command line says.
    MissingScript,
    /// The process has ended, or runs something else than when it was asked who it is.
    Ended,
    /// An interpreter that reads its program from standard input.
    StandardInput,
    /// A tool that passes tokens on, whose starter has ended or is the system itself.
    NoStarter,
}

impl Program {
    /// A program of which nothing is known.
    pub fn unknown(reason: UnknownReason) -> Self {
        Self {
            client: Client {
                code: Code::Unknown { reason },
                through: Vec::new(),
                application: None,
            },
            project: None,
        }
    }
}

impl Client {
    /// Whether an answer can be remembered for it.
    pub const fn is_known(&self) -> bool {
        self.code.is_known()
    }

    /// For a person: `report.py`, `Terminal, through git`. [`printable`](mod@crate::printable).
    pub fn name(&self) -> String {
        let mut name = self.code.name();
        for path in &self.through {
            name.push_str(", through ");
            name.push_str(&shortened(&file_name(path), MAX_NAME));
        }
        name
    }

    /// Where it is: `python3 /home/me/report.py`. [`printable`](mod@crate::printable), and not too long.
    pub fn location(&self) -> String {
        shortened(&self.code.to_string(), MAX_LOCATION)
    }
}

impl Code {
    /// Whether it can be told which program it is.
    pub const fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown { .. })
    }

    /// For a person: the name of its file, package or module.
    pub fn name(&self) -> String {
        let name = match self {
            Self::Executable { path } => file_name(path),
            Self::Script { path, .. } => package(path).unwrap_or_else(|| file_name(path)),
            Self::Module { name, .. } => name.clone(),
            Self::Inline { interpreter, .. } => format!("a command of {}", file_name(interpreter)),
            Self::Command { arguments, .. } => arguments
                .first()
                .map_or_else(String::new, |command| file_name(Path::new(command))),
            Self::Terminal { .. } => "Terminal".to_owned(),
            Self::Unknown { .. } => "unknown program".to_owned(),
        };
        shortened(&name, MAX_NAME)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Executable { path } => write!(f, "{}", path.display()),
            Self::Script {
                interpreter,
                options,
                path,
            } => {
                let path = path.display().to_string();
                write_command(f, interpreter, options, &[path])
            }
            Self::Module {
                interpreter,
                options,
                folder,
                name,
            } => {
                write_command(f, interpreter, options, std::slice::from_ref(name))?;
                write!(f, " in {}", folder.display())
            }
            Self::Inline {
                interpreter,
                options,
                text,
            } => write_command(f, interpreter, options, text),
            Self::Command { arguments, folder } => {
                f.write_str(&arguments.join(" "))?;
                match folder {
                    Some(folder) => write!(f, " in {}", folder.display()),
                    None => Ok(()),
                }
            }
            Self::Terminal { shell, options } => {
                f.write_str("interactive ")?;
                write_command(f, shell, options, &[])
            }
            Self::Unknown { reason } => f.write_str(reason.text()),
        }
    }
}

impl UnknownReason {
    /// For a person.
    pub const fn text(self) -> &'static str {
        match self {
            Self::HiddenExecutable => "hides its executable",
            Self::HiddenArguments => "hides its command line",
            Self::MissingScript => "its script is not where its command line says",
            Self::Ended => "has ended",
            Self::StandardInput => "reads its program from standard input",
            Self::NoStarter => "what started it has ended",
        }
    }
}

fn write_command(
    f: &mut fmt::Formatter<'_>,
    interpreter: &Path,
    options: &[String],
    rest: &[String],
) -> fmt::Result {
    f.write_str(&file_name(interpreter))?;
    for word in options.iter().chain(rest) {
        write!(f, " {word}")?;
    }
    Ok(())
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// The npm package that a script belongs to: `@scope/name` after the last `node_modules`.
fn package(path: &Path) -> Option<String> {
    let parts: Vec<_> = path
        .iter()
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>();
    let at = parts.iter().rposition(|part| part == "node_modules")?;
    let first = parts.get(at + 1)?;
    match first.as_ref() {
        ".bin" => Some(parts.get(at + 2)?.to_string()),
        scope if scope.starts_with('@') => Some(format!("{scope}/{}", parts.get(at + 2)?)),
        name => Some(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(path: &str) -> Client {
        Client {
            code: Code::Script {
                interpreter: "/usr/bin/python3".into(),
                options: Vec::new(),
                path: path.into(),
            },
            through: vec!["/usr/bin/g\u{202e}it".into()],
            application: None,
        }
    }

    #[test]
    fn names_and_places_hide_and_turn_nothing() {
        let client = script("/home/ada/\u{202e}yp.tropmi\n.py");
        assert_eq!(
            client.name(),
            r"\u{202e}yp.tropmi\n.py, through g\u{202e}it"
        );
        assert_eq!(
            client.location(),
            r"python3 /home/ada/\u{202e}yp.tropmi\n.py"
        );
    }

    #[test]
    fn an_overlong_name_shows_how_it_begins_and_ends() {
        let client = script(&format!("/tmp/{}.py", "x".repeat(250)));
        let name = client.code.name();
        assert_eq!(name.chars().count(), MAX_NAME);
        assert!(name.starts_with("xxx") && name.ends_with("x.py"), "{name}");
        let inline = Code::Inline {
            interpreter: "/bin/sh".into(),
            options: Vec::new(),
            text: vec![format!("begin {} end", "x".repeat(5000))],
        };
        let client = Client {
            code: inline,
            ..script("/a")
        };
        let place = client.location();
        assert_eq!(place.chars().count(), MAX_LOCATION);
        assert!(
            place.starts_with("sh begin") && place.ends_with(" end"),
            "{place}"
        );
    }
}

//! The command lines of interpreters: which of the arguments is the program.

use std::path::Path;

/// What an interpreter was told to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invocation {
    /// Its options, except the one that introduces the program.
    pub(super) options: Vec<String>,
    pub(super) target: Target,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Script(String),
    Module(String),
    /// The text and what follows it.
    Inline(Vec<String>),
    /// None named: interactive, or standard input.
    None,
}

/// How the options of a family of interpreters are read. Long options without a leading `--`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Interpreter {
    names: &'static [&'static str],
    /// First arguments that say what to do with the next.
    verbs: &'static [&'static str],
    /// Those of them after which text comes.
    text_verbs: &'static [&'static str],
    inline: &'static [&'static str],
    module: &'static [&'static str],
    /// Options that take the next argument as their value.
    with_value: &'static [&'static str],
    /// Whether the text is the first argument after all options, as with `sh -c`, rather than the rest
    /// of its own option or the next argument.
    text_after_options: bool,
    /// Options that make it read standard input, whatever follows.
    standard_input: &'static [&'static str],
    /// Whether `-ab` stands for `-a -b`.
    clusters: bool,
    pub(super) is_shell: bool,
}

const SHELL: Interpreter = Interpreter {
    names: &["sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish"],
    verbs: &[],
    text_verbs: &[],
    inline: &["c", "command"],
    module: &[],
    with_value: &["o", "O", "rcfile", "init-file", "C", "init-command"],
    text_after_options: true,
    standard_input: &["s"],
    clusters: true,
    is_shell: true,
};

const LOADER: Interpreter = Interpreter {
    names: &[],
    verbs: &[],
    text_verbs: &[],
    inline: &[],
    module: &[],
    with_value: &["library-path", "preload", "audit", "argv0", "inhibit-rpath"],
    text_after_options: false,
    standard_input: &[],
    clusters: false,
    is_shell: false,
};

const INTERPRETERS: [Interpreter; 5] = [
    SHELL,
    Interpreter {
        names: &["python", "pypy"],
        verbs: &[],
        text_verbs: &[],
        inline: &["c"],
        module: &["m"],
        with_value: &["W", "X", "check-hash-based-pycs"],
        text_after_options: false,
        standard_input: &[],
        clusters: true,
        is_shell: false,
    },
    Interpreter {
        names: &["node", "nodejs", "deno", "bun"],
        verbs: &["run", "inspect", "test", "task", "serve", "watch", "x"],
        text_verbs: &["eval", "exec"],
        inline: &["e", "p", "eval", "print"],
        module: &[],
        with_value: &[
            "r",
            "C",
            "require",
            "import",
            "loader",
            "experimental-loader",
            "conditions",
            "input-type",
            "config",
            "preload",
        ],
        text_after_options: false,
        standard_input: &[],
        clusters: true,
        is_shell: false,
    },
    Interpreter {
        names: &["ruby", "perl", "php", "lua", "Rscript", "tclsh"],
        verbs: &[],
        text_verbs: &[],
        inline: &["e", "E"],
        module: &[],
        with_value: &["I", "r", "C", "M", "d", "l"],
        text_after_options: false,
        standard_input: &[],
        clusters: true,
        is_shell: false,
    },
    Interpreter {
        names: &["java"],
        verbs: &[],
        text_verbs: &[],
        inline: &[],
        module: &[],
        with_value: &[
            "cp",
            "classpath",
            "class-path",
            "module-path",
            "p",
            "m",
            "module",
        ],
        text_after_options: false,
        standard_input: &[],
        clusters: false,
        is_shell: false,
    },
];

/// The interpreter that an executable is, by its name without a version.
pub(super) fn find(executable: &Path) -> Option<&'static Interpreter> {
    let name = executable.file_name()?.to_str()?;
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    INTERPRETERS
        .iter()
        .find(|interpreter| interpreter.names.contains(&name))
        .or_else(|| is_loader(name).then_some(&LOADER))
}

/// The dynamic loader, called as a command.
fn is_loader(name: &str) -> bool {
    name.starts_with("ld-linux") || name.starts_with("ld-musl")
}

impl Interpreter {
    /// Reads the arguments after `argv[0]`.
    pub(super) fn read(&self, arguments: &[String]) -> Invocation {
        let mut reader = Reader {
            interpreter: self,
            rest: arguments.iter(),
            options: Vec::new(),
            text_follows: false,
            has_verb: false,
        };
        let target = reader.target();
        Invocation {
            options: reader.options,
            target,
        }
    }
}

struct Reader<'a> {
    interpreter: &'a Interpreter,
    rest: std::slice::Iter<'a, String>,
    options: Vec<String>,
    text_follows: bool,
    has_verb: bool,
}

impl Reader<'_> {
    fn target(&mut self) -> Target {
        while let Some(argument) = self.rest.next() {
            let found = if argument == "--" || argument == "-" {
                return match self.rest.next() {
                    Some(next) if argument == "--" => self.first(next),
                    _ => Target::None,
                };
            } else if let Some(long) = argument.strip_prefix("--") {
                self.long(argument, long)
            } else if argument.len() > 1 && argument.starts_with(['-', '+']) {
                self.short(argument)
            } else if self.is_verb(argument) {
                None
            } else {
                return self.first(argument);
            };
            if let Some(target) = found {
                return target;
            }
        }
        Target::None
    }

    /// `run` says nothing; what another one does with the next argument differs.
    fn is_verb(&mut self, argument: &str) -> bool {
        let text = self.interpreter.text_verbs.contains(&argument);
        if self.has_verb || !(text || self.interpreter.verbs.contains(&argument)) {
            return false;
        }
        self.has_verb = true;
        self.text_follows = text;
        if argument != "run" {
            self.options.push(argument.to_owned());
        }
        true
    }

    /// The first argument that is no option.
    fn first(&self, argument: &str) -> Target {
        if self.text_follows {
            self.inline(argument)
        } else if self.is_name(argument) {
            Target::Module(argument.to_owned())
        } else {
            Target::Script(argument.to_owned())
        }
    }

    /// Whether it is no file: a class of Java, an address.
    fn is_name(&self, argument: &str) -> bool {
        let is_class = self.interpreter.names.contains(&"java")
            && !self.options.iter().any(|option| option == "-jar")
            && Path::new(argument)
                .extension()
                .is_none_or(|it| it != "java");
        let is_address = argument.contains("://")
            || argument.starts_with("npm:")
            || argument.starts_with("jsr:");
        is_class || is_address
    }

    fn inline(&self, text: &str) -> Target {
        let rest = self.rest.clone().cloned();
        Target::Inline(std::iter::once(text.to_owned()).chain(rest).collect())
    }

    fn long(&mut self, argument: &str, long: &str) -> Option<Target> {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        self.option(argument, name, value)
    }

    /// A cluster: `-lc`, `-Im`, `-uW error`. One dash before a long name is `java`'s.
    fn short(&mut self, argument: &str) -> Option<Target> {
        let name = &argument[1..];
        if !self.interpreter.clusters || self.interpreter.with_value.contains(&name) {
            return self.option(argument, name, None);
        }
        for (index, letter) in name.char_indices() {
            let letter = &name[index..index + letter.len_utf8()];
            let rest = &name[index + letter.len()..];
            let value = (!rest.is_empty()).then_some(rest);
            let interpreter = self.interpreter;
            if interpreter.standard_input.contains(&letter) {
                return Some(Target::None);
            }
            if interpreter.text_after_options && interpreter.inline.contains(&letter) {
                self.text_follows = true;
                continue;
            }
            let takes_rest = [
                interpreter.inline,
                interpreter.module,
                interpreter.with_value,
            ];
            if takes_rest.iter().any(|names| names.contains(&letter)) {
                return self.option(argument, letter, value);
            }
        }
        self.options.push(argument.to_owned());
        None
    }

    fn option(&mut self, argument: &str, name: &str, value: Option<&str>) -> Option<Target> {
        let attached = value.is_some();
        let mut value = || {
            value
                .map(str::to_owned)
                .or_else(|| self.rest.next().cloned())
        };
        if self.interpreter.inline.contains(&name) {
            if self.interpreter.text_after_options && !attached {
                self.text_follows = true;
                return None;
            }
            let text = value()?;
            return Some(self.inline(&text));
        }
        if self.interpreter.module.contains(&name) {
            return Some(Target::Module(value()?));
        }
        let with_value = self.interpreter.with_value.contains(&name);
        let value = (with_value && !attached).then(&mut value).flatten();
        self.options.push(argument.to_owned());
        self.options.extend(value);
        None
    }
}

#[cfg(test)]
mod tests;

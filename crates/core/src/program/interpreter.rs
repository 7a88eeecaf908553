//! The command lines of interpreters: which of the arguments is the program.

mod known;

use std::path::Path;

use self::known::{INTERPRETERS, LOADER};

/// What an interpreter was told to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invocation {
    /// Its options, except the one that introduces the program.
    pub(super) options: Vec<String>,
    /// Those of them that are more than flags, with their values: what a shell runs first can be among them.
    pub(super) with_values: Vec<String>,
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
    /// One of the arguments, but it cannot be told which.
    Unclear,
}

/// How the options of interpreters are read. Lists are words between spaces, long options without their
/// leading `--`. An option that is in none of them may take the next argument as its value or not: then
/// nothing tells which one is the program.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Interpreter {
    names: &'static str,
    /// First arguments that say what to do with the next.
    verbs: &'static str,
    /// Those after which text comes.
    text_verbs: &'static str,
    /// Those that run more than the next argument, or something that this names in another way.
    other_verbs: &'static str,
    inline: &'static str,
    module: &'static str,
    /// Options that take the next argument as their value.
    with_value: &'static str,
    /// Options that never do.
    flags: &'static str,
    /// How the names of more of them begin.
    flag_prefixes: &'static str,
    /// A POSIX shell. The text is the first argument after all options, as with `sh -c`, rather than the
    /// rest of its own option or the next argument; so are values; and `-` ends the options.
    is_posix_shell: bool,
    /// Options that make it read standard input, whatever follows.
    standard_input: &'static str,
    /// Whether `-ab` stands for `-a -b`.
    clusters: bool,
    pub(super) is_shell: bool,
}

/// The interpreter that an executable is, by its name without a version.
pub(super) fn find(executable: &Path) -> Option<&'static Interpreter> {
    let name = executable.file_name()?.to_str()?;
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    INTERPRETERS
        .iter()
        .find(|interpreter| lists(interpreter.names, name))
        .or_else(|| is_loader(name).then_some(&LOADER))
}

fn lists(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|word| word == name)
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
            with_values: Vec::new(),
            text_follows: false,
            has_verb: false,
        };
        let target = reader.target();
        Invocation {
            options: reader.options,
            with_values: reader.with_values,
            target,
        }
    }

    fn is_flag(&self, name: &str) -> bool {
        let mut prefixes = self.flag_prefixes.split_ascii_whitespace();
        lists(self.flags, name) || prefixes.any(|prefix| name.starts_with(prefix))
    }
}

struct Reader<'a> {
    interpreter: &'a Interpreter,
    rest: std::slice::Iter<'a, String>,
    options: Vec<String>,
    with_values: Vec<String>,
    text_follows: bool,
    has_verb: bool,
}

impl Reader<'_> {
    fn target(&mut self) -> Target {
        while let Some(argument) = self.rest.next() {
            let is_end = argument == "--" || argument == "-" && self.interpreter.is_posix_shell;
            let found = if is_end {
                let next = self.rest.next();
                return next.map_or(Target::None, |next| self.first(next));
            } else if argument == "-" {
                return Target::None;
            } else if let Some(long) = argument.strip_prefix("--") {
                self.long(argument, long)
            } else if self.is_short(argument) {
                self.short(argument)
            } else if lists(self.interpreter.other_verbs, argument) && !self.has_verb {
                Some(Target::Unclear)
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

    fn is_short(&self, argument: &str) -> bool {
        let is_option = argument.starts_with('-')
            || argument.starts_with('+') && self.interpreter.is_posix_shell;
        is_option && argument.len() > 1
    }

    /// `run` says nothing; what another one does with the next argument differs.
    fn is_verb(&mut self, argument: &str) -> bool {
        let text = lists(self.interpreter.text_verbs, argument);
        if self.has_verb || !(text || lists(self.interpreter.verbs, argument)) {
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
        } else if self.is_java() && argument.starts_with('@') {
            // A file of more arguments.
            Target::Unclear
        } else if self.is_name(argument) {
            Target::Module(argument.to_owned())
        } else {
            Target::Script(argument.to_owned())
        }
    }

    /// Whether it is no file: a class of Java, an address.
    fn is_name(&self, argument: &str) -> bool {
        let is_class = self.is_java()
            && !self.options.iter().any(|option| option == "-jar")
            && Path::new(argument)
                .extension()
                .is_none_or(|it| it != "java");
        let is_address = argument.contains("://")
            || argument.starts_with("npm:")
            || argument.starts_with("jsr:");
        is_class || is_address
    }

    fn is_java(&self) -> bool {
        lists(self.interpreter.names, "java")
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

    /// A cluster: `-lc`, `-Im`, `-uW error`. One dash before a long name is for `java`, and for `bash`, too.
    fn short(&mut self, argument: &str) -> Option<Target> {
        let interpreter = self.interpreter;
        let name = &argument[1..];
        let is_long = name.len() > 1
            && (lists(interpreter.with_value, name) || lists(interpreter.flags, name));
        if !interpreter.clusters || is_long {
            return self.option(argument, name, None);
        }
        for (index, letter) in name.char_indices() {
            let letter = &name[index..index + letter.len_utf8()];
            let rest = &name[index + letter.len()..];
            let value = (!rest.is_empty()).then_some(rest);
            if lists(interpreter.standard_input, letter) {
                self.with_values.extend(self.rest.by_ref().cloned());
                return Some(Target::None);
            }
            if interpreter.is_posix_shell && lists(interpreter.inline, letter) {
                self.text_follows = true;
                continue;
            }
            if !lists(interpreter.flags, letter) {
                return self.option(argument, letter, value);
            }
        }
        self.options.push(argument.to_owned());
        None
    }

    /// `value`: what is attached to the option.
    fn option(&mut self, argument: &str, name: &str, value: Option<&str>) -> Option<Target> {
        let interpreter = self.interpreter;
        let mut next = || {
            let next = || self.rest.next().cloned();
            value.map(str::to_owned).or_else(next)
        };
        if lists(interpreter.inline, name) {
            if interpreter.is_posix_shell && value.is_none() {
                self.text_follows = true;
                return None;
            }
            let text = next()?;
            return Some(self.inline(&text));
        }
        if lists(interpreter.module, name) {
            return Some(Target::Module(next()?));
        }
        let is_long = argument.starts_with("--");
        if lists(interpreter.with_value, name) {
            // What is attached are more letters: the value of `-oe` is the next argument.
            if value.is_some() && interpreter.is_posix_shell && !is_long {
                return Some(Target::Unclear);
            }
            let value = value.is_none().then(next).flatten();
            let words: Vec<String> = std::iter::once(argument.to_owned()).chain(value).collect();
            self.options.extend_from_slice(&words);
            self.with_values.extend(words);
            return None;
        }
        if !(interpreter.is_flag(name) || is_long && value.is_some()) {
            return Some(Target::Unclear);
        }
        if value.is_some() {
            self.with_values.push(argument.to_owned());
        }
        self.options.push(argument.to_owned());
        None
    }
}

#[cfg(test)]
mod tests;

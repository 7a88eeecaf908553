//! What is to be done with each authenticator that was found.

use std::{env, mem};

use valetkey_api::authenticators::AuthenticatorView;
use valetkey_api::client::{Client, ClientError};
use valetkey_api::core::draft::{DraftInput, Problem};
use valetkey_api::core::id::AuthenticatorId;
use valetkey_api::core::name::ProfileName;
use valetkey_api::core::printable::printable;
use valetkey_api::discovery::DiscoverRequest;
use valetkey_transfer::{Found, FoundAuthenticator, FoundLogin};

use super::moving;

use super::store::Outcome;
use crate::agent;
use crate::args::{Existing, Global, Import};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::import::{Row, State};
use crate::terminal::Terminal;

pub(super) struct Plan {
    entries: Vec<Entry>,
    known: Vec<AuthenticatorView>,
    pub(super) remarks: Vec<String>,
}

/// One authenticator that was found.
pub(in crate::commands) struct Entry {
    /// With its profile.
    pub(super) global: Global,
    /// As the source calls it.
    pub(super) origin: String,
    pub(super) input: DraftInput,
    pub(super) is_active: bool,
    remarks: Vec<String>,
    choice: Choice,
    /// Why its server could not be asked about it.
    problem: Option<Problem>,
    login: Option<FoundLogin>,
}

#[derive(Clone, Copy, PartialEq)]
enum Choice {
    Add,
    Skip,
    Replace(AuthenticatorId),
    /// The name is taken: by this one, or by another of the same source.
    Taken(Option<AuthenticatorId>),
}

impl Entry {
    /// Resolves its variables: here is the person's environment.
    pub(in crate::commands) fn of(found: FoundAuthenticator, global: &Global) -> Self {
        let FoundAuthenticator {
            origin,
            discover: _,
            login,
            profile,
            input,
            has_variables,
            is_active,
            remarks,
        } = found;
        let input = if has_variables {
            input.resolve(&|name| env::var(name).ok())
        } else {
            input
        };
        let disabled = (!is_active).then(|| "it stays disabled until you enable it".to_owned());
        Self {
            global: Global {
                profile: global.profile.clone().or(profile),
                ..global.clone()
            },
            origin,
            input,
            is_active,
            remarks: remarks.into_iter().chain(disabled).collect(),
            choice: Choice::Add,
            problem: None,
            login,
        }
    }

    /// Asks the server at `url` for what the source does not say.
    fn complete(&mut self, agent: &mut Client, url: String) {
        let found = agent.discover(&DiscoverRequest {
            url,
            has_client_id: true,
            ..DiscoverRequest::default()
        });
        let problem = |message: String, hint: &str| Problem {
            field: "issuer".to_owned(),
            message,
            hint: hint.to_owned(),
        };
        match found {
            Ok(found) => {
                if let Some(draft) = found.draft {
                    let given = mem::take(&mut self.input);
                    self.input = DraftInput::from_members(draft).overridden(given);
                    // It is for a client that is still to be registered.
                    self.input.take_text("discovered_from");
                } else {
                    let issuers = found.issuers.join(", ");
                    self.problem = Some(problem(
                        format!("it names several authorization servers: {issuers}"),
                        "add it with `valetkey add URL --issuer ISSUER`",
                    ));
                }
            }
            Err(ClientError::Api(error)) => {
                let hint = error.hint.as_deref().unwrap_or("try again later");
                self.problem = Some(problem(error.message.clone(), hint));
            }
            Err(error) => self.problem = Some(problem(error.to_string(), "try again")),
        }
    }

    /// What is wrong with it.
    fn problems(&self) -> Vec<Problem> {
        match &self.problem {
            Some(problem) => vec![problem.clone()],
            None => self.input.clone().check().err().unwrap_or_default(),
        }
    }

    /// Whether `there` is the client that it describes, so that its login fits.
    fn is_client(&self, there: &AuthenticatorView) -> bool {
        self.input.text("client_id") == Some(there.client_id.as_str())
    }

    pub(in crate::commands) fn is(&self, there: &AuthenticatorView) -> bool {
        there.profile == self.profile() && Some(&there.name) == self.input.name().as_ref()
    }

    fn profile(&self) -> ProfileName {
        self.global.profile.clone().unwrap_or_default()
    }

    fn is_same_name(&self, other: &Self) -> bool {
        let name = self.input.name();
        name.is_some() && name == other.input.name() && self.profile() == other.profile()
    }

    fn row(&self) -> Row {
        let mut row = Row {
            origin: self.origin.clone(),
            name: self.input.name(),
            profile: self.profile(),
            provider: None,
            client_id: None,
            has_client_secret: false,
            state: match self.choice {
                Choice::Add | Choice::Replace(_) => State::New,
                Choice::Skip | Choice::Taken(_) => State::Taken,
            },
            problems: Vec::new(),
            remarks: self.remarks.clone(),
        };
        match self.input.clone().check() {
            Ok((draft, warnings)) => {
                row.provider = Some(draft.provider);
                row.client_id = Some(draft.client_id);
                row.has_client_secret = draft.client_secret.is_some();
                row.remarks
                    .extend(warnings.into_iter().map(|warning| warning.message));
            }
            Err(_) if row.state == State::New => {
                row.state = State::Incomplete;
                row.problems = self.problems();
            }
            Err(_) => {}
        }
        row
    }
}

impl Plan {
    pub(super) fn new(
        global: &Global,
        args: &Import,
        found: Found,
        agent: &mut Client,
    ) -> Result<Self, Failure> {
        let known = agent.authenticators()?.authenticators;
        let entries = found.authenticators.into_iter();
        let mut entries: Vec<Entry> = entries
            .map(|found| {
                let discover = found.discover.clone();
                let mut entry = Entry::of(found, global);
                if let Some(url) = discover {
                    entry.complete(agent, url);
                }
                entry
            })
            .collect();
        if let Some(name) = &args.name {
            let [entry] = &mut entries[..] else {
                let what = format!(
                    "`--name` is for one authenticator, and {} were found",
                    entries.len()
                );
                return Err(Failure::new(Exit::Usage, what)
                    .hint("leave it out; you are asked about names that are taken"));
            };
            entry.input.set("name", name.as_str());
        }
        let mut plan = Self {
            entries,
            known,
            remarks: found.remarks,
        };
        for index in 0..plan.entries.len() {
            plan.entries[index].choice = plan.choice(index);
        }
        Ok(plan)
    }

    fn choice(&self, index: usize) -> Choice {
        let entry = &self.entries[index];
        if let Some(there) = self.known.iter().find(|there| entry.is(there)) {
            return Choice::Taken(Some(there.id));
        }
        if self.entries[..index]
            .iter()
            .any(|it| it.is_same_name(entry))
        {
            return Choice::Taken(None);
        }
        Choice::Add
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        self.entries.iter().map(Entry::row).collect()
    }

    /// Decides about each name that is taken: as the arguments say, or as the person does.
    pub(super) fn resolve_conflicts(
        &mut self,
        terminal: Terminal,
        args: &Import,
    ) -> Result<(), Failure> {
        for index in 0..self.entries.len() {
            while let Choice::Taken(there) = self.entries[index].choice {
                self.entries[index].choice = match (args.existing, there) {
                    (Some(Existing::Skip), _) => Choice::Skip,
                    (Some(Existing::Replace), Some(id)) => Choice::Replace(id),
                    _ => self.ask(index, there, terminal, args)?,
                };
            }
        }
        Ok(())
    }

    fn ask(
        &mut self,
        index: usize,
        there: Option<AuthenticatorId>,
        terminal: Terminal,
        args: &Import,
    ) -> Result<Choice, Failure> {
        let entry = &self.entries[index];
        let name = entry.input.name().expect("a name that is taken");
        let whose = if there.is_some() {
            "is there already"
        } else {
            "stands twice in the source"
        };
        if args.yes || !terminal.can_ask() {
            return Err(Failure::new(Exit::Failed, format!("`{name}` {whose}"))
                .why("nothing was imported")
                .hint(
                    "say `--existing skip` or `--existing replace`, or choose another `--name`",
                ));
        }
        let replace = if there.is_some() {
            ", (r)eplace it"
        } else {
            ""
        };
        let question = format!("`{name}` {whose}: (s)kip{replace} or (n)ame this one otherwise?");
        loop {
            let answer = terminal.ask_text(&question)?.to_lowercase();
            match (answer.as_str(), there) {
                ("s" | "skip", _) => return Ok(Choice::Skip),
                ("r" | "replace", Some(id)) => return Ok(Choice::Replace(id)),
                ("n" | "name", _) => {
                    let name = terminal.ask_text("its name:")?;
                    self.entries[index].input.set("name", name);
                    return Ok(self.choice(index));
                }
                // Nobody types any more.
                ("", _) => return Err(Failure::new(Exit::Interrupted, "nothing was imported")),
                _ => {}
            }
        }
    }

    /// Everything that is wrong with any that is to be stored.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let stored = self.entries.iter().filter(|it| it.choice != Choice::Skip);
        check(stored)
    }

    pub(super) fn question(&self) -> String {
        let count =
            |is: fn(&Choice) -> bool| self.entries.iter().filter(|it| is(&it.choice)).count();
        let (added, replaced) = (
            count(|choice| *choice == Choice::Add),
            count(|choice| matches!(choice, Choice::Replace(_))),
        );
        match (added, replaced) {
            (added, 0) => format!("import {added}?"),
            (0, replaced) => format!("replace {replaced}?"),
            (added, replaced) => format!("import {added} and replace {replaced}?"),
        }
    }

    pub(super) fn store(
        self,
        terminal: Terminal,
        args: &Import,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        for entry in self.entries {
            let (login, origin) = (entry.login.clone(), entry.origin.clone());
            let (global, choice) = (entry.global.clone(), entry.choice);
            let there = self
                .known
                .iter()
                .find(|there| entry.is(there) && entry.is_client(there));
            let there = there.map(|there| there.id);
            let stored = match choice {
                Choice::Add => outcome.add(terminal, entry)?,
                Choice::Replace(id) => {
                    outcome.replace(terminal, &entry, id)?;
                    Some(id)
                }
                Choice::Skip | Choice::Taken(_) => {
                    outcome.is_there(terminal, entry.origin);
                    there
                }
            };
            if let (Some(login), Some(id)) = (login, stored) {
                let mut agent = agent::connect(&global)?;
                moving::offer(terminal, args, &mut agent, &login, id, &origin)?;
            }
        }
        Ok(())
    }
}

/// Everything that is wrong with any of them.
pub(in crate::commands) fn check<'a>(
    entries: impl Iterator<Item = &'a Entry>,
) -> Result<(), Failure> {
    let mut problems = Vec::new();
    for entry in entries {
        problems.extend(entry.problems().into_iter().map(|problem| Problem {
            message: format!("{}: {}", printable(&entry.origin), problem.message),
            ..problem
        }));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::Problems(problems))
    }
}

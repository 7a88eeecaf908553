//! What the token may do, in words; as check boxes where the provider issues tokens that may do less.

use gtk::prelude::*;
use valetkey_api::core::printable::{MAX_LOCATION, MAX_NAME, shortened};
use valetkey_api::core::scope::Scopes;
use valetkey_server::approvals::AccessQuestion;

use super::labels::check;

/// Scopes that are named; the others are counted.
const MAX_NAMED: usize = 8;
/// A longer list of check boxes scrolls.
const MAX_HEIGHT: i32 = 220;

/// A check box for each scope.
pub(super) struct ScopeChecks {
    checks: Vec<(String, gtk::CheckButton)>,
    widget: gtk::ScrolledWindow,
}

impl ScopeChecks {
    /// None where the provider cannot give less, or there is nothing to choose.
    pub(super) fn of(question: &AccessQuestion) -> Option<Self> {
        if !question.can_narrow || question.scopes.iter().count() < 2 {
            return None;
        }
        let list = gtk::Box::new(gtk::Orientation::Vertical, 4);
        let checks = question.scopes.iter().map(|scope| {
            let check = check(&in_words(question, scope));
            check.set_tooltip_text(Some(&shortened(scope, MAX_NAME)));
            check.set_active(true);
            list.add(&check);
            (scope.to_owned(), check)
        });
        let checks = checks.collect();
        let widget = gtk::ScrolledWindow::builder()
            .hscrollbar_policy(gtk::PolicyType::Never)
            .propagate_natural_height(true)
            .max_content_height(MAX_HEIGHT)
            .child(&list)
            .build();
        Some(Self { checks, widget })
    }

    pub(super) fn widget(&self) -> &gtk::ScrolledWindow {
        &self.widget
    }

    pub(super) fn checks(&self) -> impl Iterator<Item = gtk::CheckButton> {
        self.checks.iter().map(|(_, check)| check.clone())
    }

    /// The chosen scopes, if those are not all.
    pub(super) fn fewer(&self) -> Option<Scopes> {
        let chosen = self.checks.iter().filter(|(_, check)| check.is_active());
        let chosen: Vec<String> = chosen.map(|(scope, _)| scope.clone()).collect();
        (chosen.len() < self.checks.len()).then(|| chosen.into_iter().collect())
    }

    /// Says whether any is chosen, whenever that may have changed.
    pub(super) fn on_change(&self, tell: impl Fn(bool) + Clone + 'static) {
        for (_, check) in &self.checks {
            let checks: Vec<_> = self.checks().collect();
            let tell = tell.clone();
            check.connect_toggled(move |_| tell(checks.iter().any(gtk::CheckButton::is_active)));
        }
    }
}

/// Some scopes in one line.
pub(super) fn words(question: &AccessQuestion, scopes: &Scopes) -> String {
    let all: Vec<String> = scopes.iter().map(|it| in_words(question, it)).collect();
    if all.is_empty() {
        return "what the provider gives by default".to_owned();
    }
    let more = all.len().saturating_sub(MAX_NAMED);
    let named = all[..all.len() - more].join(", ");
    if more == 0 {
        named
    } else {
        format!("{named} and {more} more")
    }
}

/// In plain words, where the catalogue has them.
fn in_words(question: &AccessQuestion, scope: &str) -> String {
    match question.catalogue.scope_words(scope) {
        Some(words) => shortened(words, MAX_LOCATION),
        None => shortened(scope, MAX_NAME),
    }
}

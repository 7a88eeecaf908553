//! Which crate may depend on which, as the root `Cargo.toml` describes it.
//!
//! Two kinds of rule: what a crate's `Cargo.toml` may name (`ALLOWED`, `RESTRICTED`), and what must
//! not be linked into it even through other crates (`NEVER_LINKED`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::command::{self, TaskError};

/// Each of our crates, and those of ours that it may name. Dev-dependencies may also name the demo
/// provider, the end-to-end fixtures and the crate itself (with another feature); those of the
/// end-to-end package may name all, because its benchmark fills databases.
const ALLOWED: &[(&str, &[&str])] = &[
    ("valetkey-core", &[]),
    ("valetkey-vault", &["valetkey-core"]),
    ("valetkey-agent", &["valetkey-core", "valetkey-vault"]),
    ("valetkey-api", &["valetkey-core"]),
    ("valetkey-server", &["valetkey-api", "valetkey-agent"]),
    ("valetkey-transfer", &["valetkey-core"]),
    ("valetkey-cli", &["valetkey-api", "valetkey-transfer"]),
    ("valetkey-demo-provider", &[]),
    ("valetkey-desktop", &["valetkey-api", "valetkey-server"]),
    ("valetkey-tests", &[DEMO_PROVIDER]),
    ("xtask", &[]),
];

const DEMO_PROVIDER: &str = "valetkey-demo-provider";
const TESTS: &str = "valetkey-tests";
/// What the tests of any crate may use.
const TEST_CRATES: &[&str] = &[DEMO_PROVIDER, TESTS];

/// External crates that only these of ours may name outside tests.
const RESTRICTED: &[(&str, &[&str])] = &[
    ("keyring", &["valetkey-vault"]),
    ("keyring-core", &["valetkey-vault"]),
    ("secret-service", &["valetkey-vault"]),
    ("zbus-secret-service-keyring-store", &["valetkey-vault"]),
    ("rusqlite", &["valetkey-vault"]),
    ("oauth2", &["valetkey-agent"]),
    ("age", &["valetkey-transfer"]),
    // The second for the proxy.
    ("reqwest", &["valetkey-agent", "valetkey-server"]),
    (
        "axum",
        &[
            "valetkey-server",
            // Calls the router in its own process.
            "valetkey-desktop",
            DEMO_PROVIDER,
        ],
    ),
    ("tauri", &["valetkey-desktop"]),
];

/// What must not be linked into these, directly or through other crates.
const NEVER_LINKED: &[(&str, &[&str])] = &[
    // Pure: no I/O, no async.
    (
        "valetkey-core",
        &["tokio", "reqwest", "rusqlite", "keyring-core"],
    ),
    // `valetkey token` is one process for each token.
    (
        "valetkey-cli",
        &[
            "tokio",
            "axum",
            "hyper",
            "reqwest",
            "rusqlite",
            "keyring-core",
        ],
    ),
];

/// Every broken rule, as a sentence.
pub(crate) fn broken() -> Result<Vec<String>, TaskError> {
    let arguments = ["metadata", "--format-version", "1", "--locked"];
    let output = command::output(&mut command::cargo(&arguments))?;
    let metadata: Value = serde_json::from_slice(&output).expect("cargo prints JSON");
    Ok(Graph::read(&metadata).broken())
}

struct Dependency {
    name: String,
    is_dev: bool,
}

#[derive(Default)]
struct Graph {
    /// What the `Cargo.toml` of each of ours names.
    named: BTreeMap<String, Vec<Dependency>>,
    /// What each package links, by package name.
    linked: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn read(metadata: &Value) -> Self {
        let mut graph = Self::default();
        let mut name_of = BTreeMap::new();
        for package in list(&metadata["packages"]) {
            let name = text(&package["name"]);
            name_of.insert(text(&package["id"]), name);
            if package["source"].is_null() {
                let named = list(&package["dependencies"]).iter().map(|it| Dependency {
                    name: text(&it["name"]).to_owned(),
                    is_dev: it["kind"] == "dev",
                });
                graph.named.insert(name.to_owned(), named.collect());
            }
        }
        for node in list(&metadata["resolve"]["nodes"]) {
            let links = |dependency: &&Value| {
                list(&dependency["dep_kinds"])
                    .iter()
                    .any(|it| it["kind"].is_null())
            };
            let linked = list(&node["deps"]).iter().filter(links);
            let linked = linked.map(|it| name_of[text(&it["pkg"])].to_owned());
            let all = graph.linked.entry(name_of[text(&node["id"])].to_owned());
            all.or_default().extend(linked);
        }
        graph
    }

    fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for (ours, dependencies) in &self.named {
            let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| name == ours) else {
                broken.push(format!(
                    "`{ours}` is not in `ALLOWED`: say what it may depend on"
                ));
                continue;
            };
            for dependency in dependencies {
                let name = dependency.name.as_str();
                let is_ours = self.named.contains_key(name);
                let is_for_tests = dependency.is_dev
                    && (TEST_CRATES.contains(&name) || name == ours || ours == TESTS);
                if is_ours && !allowed.contains(&name) && !is_for_tests {
                    broken.push(format!("`{ours}` may not depend on `{name}`"));
                }
                let users = RESTRICTED
                    .iter()
                    .find(|(restricted, _)| *restricted == name);
                if users.is_some_and(|(_, users)| !users.contains(&ours.as_str()))
                    && !dependency.is_dev
                {
                    broken.push(format!("`{ours}` may not use `{name}`: only others may"));
                }
            }
        }
        for (ours, never) in NEVER_LINKED {
            let linked = self.closure(ours);
            let found = never.iter().filter(|name| linked.contains(**name));
            broken.extend(found.map(|name| format!("`{ours}` links `{name}`")));
        }
        broken
    }

    fn closure<'a>(&'a self, root: &'a str) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::from([root]);
        let mut open = vec![root];
        while let Some(name) = open.pop() {
            let next = self.linked.get(name).into_iter().flatten();
            open.extend(next.map(String::as_str).filter(|it| found.insert(it)));
        }
        found
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("cargo metadata has this list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("cargo metadata has this text")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(ours: &str, named: &[&str], linked: &[(&str, &str)]) -> Graph {
        let dependency = |name: &&str| Dependency {
            name: (*name).to_owned(),
            is_dev: false,
        };
        let mut graph = Graph::default();
        for (name, _) in ALLOWED {
            graph.named.insert((*name).to_owned(), Vec::new());
        }
        let named = named.iter().map(dependency).collect();
        graph.named.insert(ours.to_owned(), named);
        for (from, to) in linked {
            let all = graph.linked.entry((*from).to_owned()).or_default();
            all.insert((*to).to_owned());
        }
        graph
    }

    #[test]
    fn this_workspace_keeps_its_dependency_rules() {
        assert_eq!(broken().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_dependency_on_an_upper_layer_is_found() {
        let broken = graph("valetkey-core", &["valetkey-agent"], &[]).broken();
        assert_eq!(
            broken,
            ["`valetkey-core` may not depend on `valetkey-agent`"]
        );
    }

    #[test]
    fn a_restricted_dependency_is_found() {
        let broken = graph("valetkey-server", &["rusqlite"], &[]).broken();
        assert_eq!(
            broken,
            ["`valetkey-server` may not use `rusqlite`: only others may"]
        );
    }

    #[test]
    fn an_indirectly_linked_crate_is_found() {
        let linked = [("valetkey-cli", "polite"), ("polite", "tokio")];
        let broken = graph("valetkey-cli", &["polite"], &linked).broken();
        assert_eq!(broken, ["`valetkey-cli` links `tokio`"]);
    }

    #[test]
    fn a_new_crate_has_to_be_listed() {
        let broken = graph("valetkey-new", &[], &[]).broken();
        assert_eq!(broken.len(), 1);
    }
}

//! gnome-keyring on the desktop's bus, in every state that a keychain can be in.
//!
//! No prompt is ever shown: locking needs none, and unlocking uses the daemon's internal method that
//! PAM modules use.

use std::collections::HashMap;
use std::path::Path;

use rustix::process::Signal;
use zbus::blocking::{Connection, Proxy, connection::Builder};
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use super::Environment;
use crate::process::Running;
use crate::wait;

const PASSWORD: &str = "the keyring's password";
const SERVICE: &str = "org.freedesktop.secrets";
const SERVICE_PATH: &str = "/org/freedesktop/secrets";
const COLLECTION_PATH: &str = "/org/freedesktop/secrets/collection/login";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const INTERNAL: &str = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface";

/// A secret on the bus: session, parameters, value, content type.
type BusSecret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

/// The keychain of one desktop.
pub struct Keyring {
    environment: Environment,
    bus_address: String,
    daemon: Option<Running>,
}

/// A stored item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub attributes: HashMap<String, String>,
    pub label: String,
    pub secret: Vec<u8>,
}

impl Keyring {
    pub(super) fn new(environment: Environment, bus: &Path) -> Self {
        Self {
            environment,
            bus_address: format!("unix:path={}", bus.display()),
            daemon: None,
        }
    }

    /// Starts the daemon, unlocked; after [`Self::kill`] with the same items.
    pub fn start(&mut self) {
        let mut daemon = Running::start(self.environment.command("gnome-keyring-daemon").args([
            "--foreground",
            "--unlock",
            "--components=secrets",
        ]));
        // No line end: it would become part of the password.
        daemon.write(PASSWORD);
        daemon.close_stdin();
        self.daemon = Some(daemon);
        wait::until("an unlocked keychain", || {
            self.try_is_locked()
                .is_ok_and(|locked| !locked)
                .then_some(())
        });
    }

    /// Locks the collection, as a user does.
    pub fn lock(&self) {
        let bus = self.connect();
        let paths = vec![OwnedObjectPath::try_from(COLLECTION_PATH).expect("a path")];
        let (locked, _prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) =
            service(&bus).call("Lock", &(&paths,)).expect("it locks");
        assert_eq!(locked, paths, "the keychain did not lock");
    }

    /// Unlocks the collection with its password.
    pub fn unlock(&self) {
        let bus = self.connect();
        let collection = OwnedObjectPath::try_from(COLLECTION_PATH).expect("a path");
        let secret = plain_secret(&bus, PASSWORD.as_bytes());
        let internal = proxy(&bus, SERVICE_PATH, INTERNAL);
        internal
            .call::<_, _, ()>("UnlockWithMasterPassword", &(collection, secret))
            .expect("the password is right");
        assert!(!self.is_locked(), "the keychain did not unlock");
    }

    /// Is the collection locked?
    pub fn is_locked(&self) -> bool {
        self.try_is_locked().expect("the daemon runs")
    }

    fn try_is_locked(&self) -> zbus::Result<bool> {
        let bus = self.try_connect()?;
        proxy(&bus, COLLECTION_PATH, COLLECTION).get_property("Locked")
    }

    /// `kill -9`: the keychain is gone until [`Self::start`].
    pub fn kill(&mut self) {
        self.daemon = None;
    }

    /// Suspends the daemon: calls wait until [`Self::resume`].
    pub fn suspend(&self) {
        self.daemon().signal(Signal::STOP);
    }

    /// Ends [`Self::suspend`].
    pub fn resume(&self) {
        self.daemon().signal(Signal::CONT);
    }

    /// All items, also those of other programs.
    pub fn items(&self) -> Vec<Item> {
        let bus = self.connect();
        let session = open_session(&bus);
        let paths: Vec<OwnedObjectPath> = proxy(&bus, COLLECTION_PATH, COLLECTION)
            .get_property("Items")
            .expect("it lists");
        paths
            .iter()
            .map(|path| open(&bus, &session, path))
            .collect()
    }

    /// All items without the key of the audit log, which stays as long as the home does.
    pub fn secrets(&self) -> Vec<Item> {
        let mut items = self.items();
        items.retain(|item| !item.label.starts_with("keyring:audit-log@"));
        items
    }

    /// Stores an item, as another program.
    pub fn add_item(&self, attributes: &HashMap<String, String>, label: &str, value: &[u8]) {
        let bus = self.connect();
        let secret = plain_secret(&bus, value);
        let properties = HashMap::from([
            ("org.freedesktop.Secret.Item.Label", Value::from(label)),
            (
                "org.freedesktop.Secret.Item.Attributes",
                Value::from(attributes.clone()),
            ),
        ]);
        let (_item, _prompt): (OwnedObjectPath, OwnedObjectPath) =
            proxy(&bus, COLLECTION_PATH, COLLECTION)
                .call("CreateItem", &(properties, secret, true))
                .expect("it stores");
    }

    fn daemon(&self) -> &Running {
        self.daemon.as_ref().expect("the daemon runs")
    }

    fn connect(&self) -> Connection {
        self.try_connect().expect("the bus runs")
    }

    fn try_connect(&self) -> zbus::Result<Connection> {
        Builder::address(self.bus_address.as_str())?.build()
    }
}

fn proxy<'a>(bus: &'a Connection, path: &'a str, interface: &'a str) -> Proxy<'a> {
    Proxy::new(bus, SERVICE, path, interface).expect("valid names")
}

fn service(bus: &Connection) -> Proxy<'_> {
    proxy(bus, SERVICE_PATH, "org.freedesktop.Secret.Service")
}

/// A session belongs to its bus connection and ends with it.
fn open_session(bus: &Connection) -> OwnedObjectPath {
    let (_output, session): (OwnedValue, OwnedObjectPath) = service(bus)
        .call("OpenSession", &("plain", Value::from("")))
        .expect("it opens a session");
    session
}

fn plain_secret(bus: &Connection, value: &[u8]) -> BusSecret {
    let session = open_session(bus);
    (session, Vec::new(), value.to_vec(), "text/plain".to_owned())
}

fn open(bus: &Connection, session: &OwnedObjectPath, path: &OwnedObjectPath) -> Item {
    let item = proxy(bus, path.as_str(), "org.freedesktop.Secret.Item");
    let (_, _, secret, _): BusSecret = item.call("GetSecret", &(session,)).expect("unlocked");
    Item {
        attributes: item.get_property("Attributes").expect("an item has them"),
        label: item.get_property("Label").expect("an item has one"),
        secret,
    }
}

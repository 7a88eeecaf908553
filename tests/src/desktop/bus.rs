//! The session bus. It has no service files, so that no service is started on demand and a keychain
//! prompt fails at once.

use std::fs;
use std::path::Path;

use super::Environment;
use crate::process::{Running, Stream};

pub(super) fn start(environment: &Environment, root: &Path, address: &Path) -> Running {
    let config = root.join("bus.conf");
    let text = format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#,
        address.display()
    );
    fs::write(&config, text).expect("our own folder");
    let bus = Running::start(
        environment
            .command("dbus-daemon")
            .arg("--config-file")
            .arg(&config)
            .args(["--nofork", "--print-address=1"]),
    );
    bus.wait_for("its address", |line| {
        (line.stream == Stream::Stdout).then_some(())
    });
    bus
}

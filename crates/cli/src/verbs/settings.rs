//! `valetkey settings`

use valetkey_api::Patch;
use valetkey_api::agent::SettingsPatch;

use crate::agent;
use crate::args::{Global, Setting, Settings};
use crate::failure::Failure;
use crate::render::agent as render;
use crate::terminal::Terminal;

/// Shows all settings or one, or changes one.
pub(super) fn settings(terminal: Terminal, global: &Global, args: Settings) -> Result<(), Failure> {
    let mut client = agent::connect(global)?;
    let change = match args.value {
        Some(value) => Patch::Set(value),
        None if args.unset => Patch::Clear,
        None => Patch::Keep,
    };
    if change.is_keep() {
        let settings = client.settings()?;
        return terminal.reply(&settings, |settings, _| match args.setting {
            None => render::settings(settings),
            Some(Setting::Browser) => render::browser(settings),
        });
    }
    let patch = match args
        .setting
        .expect("clap takes a value only after its setting")
    {
        Setting::Browser => SettingsPatch { browser: change },
    };
    let changed = client.update_settings(&patch)?;
    terminal.done(&changed, |settings, _| render::settings(settings))
}

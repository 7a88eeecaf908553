//! `valetkey settings`

use clap::ValueEnum as _;
use valetkey_api::Patch;
use valetkey_api::agent::{NotificationsPatch, SettingsPatch};
use valetkey_api::command_line::missing_program;
use valetkey_api::core::access;
use valetkey_api::core::settings::{LogLevel, Notifications, Settings as Known};

use crate::agent;
use crate::args::{Global, Policy, Setting, Settings};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::settings as render;
use crate::terminal::Terminal;

/// Shows all settings or one, or changes one.
pub(super) fn settings(terminal: Terminal, global: &Global, args: Settings) -> Result<(), Failure> {
    let Some(setting) = args.setting else {
        let settings = agent::connect(global)?.settings()?;
        return terminal.reply(&settings, |settings, _| render::all(settings));
    };
    let change = match args.value {
        Some(value) => set(setting, &value, args.force)?,
        None if args.unset => unset(setting),
        None => {
            let settings = agent::connect(global)?.settings()?;
            let value = render::value(&settings, setting);
            if value.is_none() && !terminal.json {
                terminal.say(|_| format!("{}\n", render::unset(setting)));
                return Ok(());
            }
            return terminal.reply(&settings, |_, _| {
                value.map_or(String::new(), |it| it + "\n")
            });
        }
    };
    let changed = agent::connect(global)?.update_settings(&change, args.force)?;
    terminal.done(&changed, |settings, _| render::changed(settings, setting))
}

fn set(setting: Setting, value: &str, force: bool) -> Result<SettingsPatch, Failure> {
    let no = |why: &dyn std::fmt::Display| {
        let what = format!("`{value}` is not a value of `{}`", render::name(setting));
        Failure::new(Exit::Usage, what).why(why)
    };
    let mut patch = SettingsPatch::default();
    let on = || match value {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(no(&"it is `on` or `off`")),
    };
    match setting {
        Setting::Browser => {
            if !force && let Some(program) = missing_program(value) {
                return Err(no(&format!("there is no program `{program}`")).hint(
                    "`--force` sets it anyway; until it is installed, the next browser opens",
                ));
            }
            patch.browser = Patch::Set(value.to_owned());
        }
        Setting::NotifyNeedsYou => notify(&mut patch).needs_you = Some(on()?),
        Setting::NotifyEndsSoon => notify(&mut patch).ends_soon = Some(on()?),
        Setting::NotifySignIn => notify(&mut patch).sign_in = Some(on()?),
        Setting::QuietHours => {
            let hours = value.parse().map_err(|error| no(&error))?;
            notify(&mut patch).quiet_hours = Patch::Set(hours);
        }
        Setting::Port => patch.port = Patch::Set(value.parse().map_err(|error| no(&error))?),
        Setting::LogLevel => {
            let levels = [
                LogLevel::Error,
                LogLevel::Warn,
                LogLevel::Info,
                LogLevel::Debug,
            ];
            let level = levels.into_iter().find(|level| level.as_str() == value);
            let level = level.ok_or_else(|| no(&"it is `error`, `warn`, `info` or `debug`"))?;
            patch.log_level = Some(level);
        }
        Setting::KeepWarm => {
            let policy = Policy::from_str(value, false)
                .map_err(|_| no(&"it is `always`, `when-used` or `on-demand`"))?;
            patch.keep_warm = Some(policy.into());
        }
        Setting::Retention => {
            patch.retention_days = Some(value.parse().map_err(|error| no(&error))?);
        }
        Setting::PauseOnLock => patch.pause_on_lock = Some(on()?),
        Setting::PauseOnIdle => patch.pause_on_idle = Some(on()?),
        Setting::AccessPolicy => {
            patch.access_policy = Some(match value {
                "ask" => access::Policy::Ask,
                "allow" => access::Policy::Allow,
                "deny" => access::Policy::Deny,
                _ => return Err(no(&"it is `ask`, `allow` or `deny`")),
            });
        }
    }
    Ok(patch)
}

/// Goes back to the default.
fn unset(setting: Setting) -> SettingsPatch {
    let Notifications {
        needs_you,
        ends_soon,
        sign_in,
        quiet_hours: _,
    } = Notifications::default();
    let mut patch = SettingsPatch::default();
    match setting {
        Setting::Browser => patch.browser = Patch::Clear,
        Setting::NotifyNeedsYou => notify(&mut patch).needs_you = Some(needs_you),
        Setting::NotifyEndsSoon => notify(&mut patch).ends_soon = Some(ends_soon),
        Setting::NotifySignIn => notify(&mut patch).sign_in = Some(sign_in),
        Setting::QuietHours => notify(&mut patch).quiet_hours = Patch::Clear,
        Setting::Port => patch.port = Patch::Clear,
        Setting::LogLevel => patch.log_level = Some(Known::default().log_level),
        Setting::KeepWarm => patch.keep_warm = Some(Known::default().keep_warm),
        Setting::Retention => patch.retention_days = Some(Known::default().retention_days),
        Setting::PauseOnLock => patch.pause_on_lock = Some(Known::default().pause_on_lock),
        Setting::PauseOnIdle => patch.pause_on_idle = Some(Known::default().pause_on_idle),
        Setting::AccessPolicy => patch.access_policy = Some(Known::default().access_policy),
    }
    patch
}

fn notify(patch: &mut SettingsPatch) -> &mut NotificationsPatch {
    patch.notifications.get_or_insert_default()
}

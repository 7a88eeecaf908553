//! The settings.

use clap::ValueEnum as _;
use valetkey_api::core::access;
use valetkey_api::core::connection::KeepWarm;
use valetkey_api::core::printable::printable;
use valetkey_api::core::settings::Settings;

use crate::args::Setting;

/// `valetkey settings`
pub(crate) fn all(settings: &Settings) -> String {
    let names: Vec<_> = Setting::value_variants()
        .iter()
        .map(|it| (name(*it), *it))
        .collect();
    let width = names.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = names.into_iter().map(|(name, setting)| {
        let value = value(settings, setting).unwrap_or_else(|| unset(setting).to_owned());
        format!("{name:width$}  {}\n", printable(&value))
    });
    lines.collect()
}

/// After a change.
pub(crate) fn changed(settings: &Settings, setting: Setting) -> String {
    let value = value(settings, setting).unwrap_or_else(|| unset(setting).to_owned());
    let later = match setting {
        Setting::Port => "\nthe agent takes it at its next start",
        Setting::Browser
        | Setting::NotifyNeedsYou
        | Setting::NotifyEndsSoon
        | Setting::NotifySignIn
        | Setting::QuietHours
        | Setting::LogLevel
        | Setting::KeepWarm
        | Setting::Retention
        | Setting::PauseOnLock
        | Setting::PauseOnIdle
        | Setting::AccessPolicy => "",
    };
    format!("{}  {}{later}\n", name(setting), printable(&value))
}

/// As it is typed.
pub(crate) fn name(setting: Setting) -> String {
    let value = setting.to_possible_value();
    let value = value.expect("no setting is hidden from clap");
    value.get_name().to_owned()
}

/// The value in words; None where the setting is not set.
pub(crate) fn value(settings: &Settings, setting: Setting) -> Option<String> {
    let switch = |on| Some(if on { "on" } else { "off" }.to_owned());
    let notifications = &settings.notifications;
    match setting {
        Setting::Browser => settings.browser.clone(),
        Setting::NotifyNeedsYou => switch(notifications.needs_you),
        Setting::NotifyEndsSoon => switch(notifications.ends_soon),
        Setting::NotifySignIn => switch(notifications.sign_in),
        Setting::QuietHours => notifications.quiet_hours.map(|it| it.to_string()),
        Setting::Port => settings.port.map(|it| it.to_string()),
        Setting::LogLevel => Some(settings.log_level.as_str().to_owned()),
        Setting::KeepWarm => Some(policy(settings.keep_warm).to_owned()),
        Setting::Retention => Some(settings.retention_days.to_string()),
        Setting::PauseOnLock => switch(settings.pause_on_lock),
        Setting::PauseOnIdle => switch(settings.pause_on_idle),
        Setting::AccessPolicy => Some(access_policy(settings.access_policy).to_owned()),
    }
}

/// In the place of a value that is not set.
pub(crate) const fn unset(setting: Setting) -> &'static str {
    match setting {
        Setting::Browser => "(not set: `$BROWSER`, then the desktop's own)",
        Setting::Port => "(not set: 4315)",
        Setting::QuietHours
        | Setting::NotifyNeedsYou
        | Setting::NotifyEndsSoon
        | Setting::NotifySignIn
        | Setting::LogLevel
        | Setting::KeepWarm
        | Setting::Retention
        | Setting::PauseOnLock
        | Setting::PauseOnIdle
        | Setting::AccessPolicy => "(none)",
    }
}

const fn policy(keep_warm: KeepWarm) -> &'static str {
    match keep_warm {
        KeepWarm::Always => "always",
        KeepWarm::WhenUsed => "when-used",
        KeepWarm::OnDemand => "on-demand",
    }
}

const fn access_policy(policy: access::Policy) -> &'static str {
    match policy {
        access::Policy::Ask => "ask",
        access::Policy::Allow => "allow",
        access::Policy::Deny => "deny",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_settings_are_shown_set_or_not() {
        insta::assert_snapshot!(all(&Settings::default()), @r"
        browser           (not set: `$BROWSER`, then the desktop's own)
        notify-needs-you  on
        notify-ends-soon  on
        notify-sign-in    on
        quiet-hours       (none)
        port              (not set: 4315)
        log-level         info
        keep-warm         when-used
        retention         90
        pause-on-lock     off
        pause-on-idle     off
        access-policy     ask
        ");
    }
}

//! What a person may set, for the agent as a whole. One truth for window, tray and command line.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use crate::access::Policy;
use crate::connection::KeepWarm;
use crate::redirect::{API_PORT, CALLBACK_PORT};

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Settings {
    /// Command that opens the browser (`firefox --new-window %s`; the URL takes the place of `%s` or
    /// comes last); null: `$BROWSER`, then the desktop's own.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub browser: Option<String>,
    /// What the desktop app notifies of.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub notifications: Notifications,
    /// Port of the loopback listener from the next start on, unless `--port` says otherwise; null: 4315.
    #[cfg_attr(feature = "openapi", schema(required, value_type = Option<u16>, minimum = 1024))]
    pub port: Option<ApiPort>,
    /// How much is logged, unless `--verbose` or `VALETKEY_LOG` says otherwise.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub log_level: LogLevel,
    /// When new connections are refreshed without being asked; each has its own from then on.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub keep_warm: KeepWarm,
    /// Days after which events of the audit log are deleted.
    #[cfg_attr(feature = "openapi", schema(required, value_type = u16, minimum = 1, maximum = 3650))]
    pub retention_days: RetentionDays,
    /// Whether the desktop app pauses while the session is locked.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub pause_on_lock: bool,
    /// Whether the desktop app pauses while the desktop says that nobody uses the session.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub pause_on_idle: bool,
    /// What a program gets that no rule decides about, while the desktop app runs.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub access_policy: Policy,
}

/// Which notifications are shown, and when none is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Notifications {
    /// A login needs the person.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub needs_you: bool,
    /// A token that cannot be renewed ends soon.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub ends_soon: bool,
    /// A sign-in has ended.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub sign_in: bool,
    /// When nothing is shown.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub quiet_hours: Option<QuietHours>,
}

impl Default for Notifications {
    fn default() -> Self {
        Self {
            needs_you: true,
            ends_soon: true,
            sign_in: true,
            quiet_hours: None,
        }
    }
}

/// A part of each day, in the time of the machine. It may cross midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "Bounds")]
pub struct QuietHours {
    from: TimeOfDay,
    to: TimeOfDay,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounds {
    from: TimeOfDay,
    to: TimeOfDay,
}

impl TryFrom<Bounds> for QuietHours {
    type Error = SettingError;

    fn try_from(Bounds { from, to }: Bounds) -> Result<Self, SettingError> {
        Self::new(from, to)
    }
}

impl QuietHours {
    /// From the first to the second, the second excluded.
    pub fn new(from: TimeOfDay, to: TimeOfDay) -> Result<Self, SettingError> {
        if from == to {
            return Err(SettingError::QuietForNoTime);
        }
        Ok(Self { from, to })
    }

    /// Whether it is quiet at `time`.
    pub fn contain(self, time: Time) -> bool {
        let (from, to) = (self.from.0, self.to.0);
        if from < to {
            from <= time && time < to
        } else {
            from <= time || time < to
        }
    }

    /// When they end.
    pub fn end(self) -> Time {
        self.to.0
    }
}

impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from, self.to)
    }
}

impl FromStr for QuietHours {
    type Err = SettingError;

    /// `22:00-07:00`.
    fn from_str(text: &str) -> Result<Self, SettingError> {
        let (from, to) = text.split_once('-').ok_or(SettingError::NoTimes)?;
        Self::new(from.trim().parse()?, to.trim().parse()?)
    }
}

/// A time of day to the minute: `22:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, example = "22:00", pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(Time);

impl FromStr for TimeOfDay {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        let digits = |text: &str| {
            let fits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            fits.then(|| text.parse::<i8>().ok()).flatten()
        };
        text.split_once(':')
            .and_then(|(hour, minute)| Time::new(digits(hour)?, digits(minute)?, 0, 0).ok())
            .map(Self)
            .ok_or(SettingError::NoTime)
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = SettingError;

    fn try_from(text: String) -> Result<Self, SettingError> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

/// A port that the loopback listener may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct ApiPort(u16);

impl ApiPort {
    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Default for ApiPort {
    fn default() -> Self {
        Self(API_PORT)
    }
}

impl TryFrom<u16> for ApiPort {
    type Error = SettingError;

    fn try_from(port: u16) -> Result<Self, SettingError> {
        if port < 1024 || port == CALLBACK_PORT {
            return Err(SettingError::Port);
        }
        Ok(Self(port))
    }
}

impl From<ApiPort> for u16 {
    fn from(port: ApiPort) -> Self {
        port.0
    }
}

impl FromStr for ApiPort {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        let number: u16 = text.parse().map_err(|_| SettingError::Port)?;
        number.try_into()
    }
}

impl fmt::Display for ApiPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Days that events stay in the audit log: 1 to 3650.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct RetentionDays(u16);

impl RetentionDays {
    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Default for RetentionDays {
    fn default() -> Self {
        Self(90)
    }
}

impl TryFrom<u16> for RetentionDays {
    type Error = SettingError;

    fn try_from(days: u16) -> Result<Self, SettingError> {
        if !(1..=3650).contains(&days) {
            return Err(SettingError::Retention);
        }
        Ok(Self(days))
    }
}

impl From<RetentionDays> for u16 {
    fn from(days: RetentionDays) -> Self {
        days.0
    }
}

impl FromStr for RetentionDays {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        let number: u16 = text.parse().map_err(|_| SettingError::Retention)?;
        number.try_into()
    }
}

impl fmt::Display for RetentionDays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How much is logged; each level has those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Our bugs.
    Error,
    /// What somebody should look at.
    Warn,
    /// One line per change that a person sees.
    #[default]
    Info,
    /// What a bug report needs.
    Debug,
}

impl LogLevel {
    /// As written in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

/// Why a value cannot be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// No time of day.
    #[error("a time of day is written like `22:00`")]
    NoTime,
    /// No two times.
    #[error("quiet hours are written like `22:00-07:00`")]
    NoTimes,
    /// From a time to itself.
    #[error("quiet hours cannot begin and end at the same time")]
    QuietForNoTime,
    /// No port for the loopback listener.
    #[error(
        "the port is one of 1024-65535, but not {CALLBACK_PORT}, where browsers come back from sign-ins"
    )]
    Port,
    /// No number of days.
    #[error("events are kept for 1 to 3650 days")]
    Retention,
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::*;

    #[test]
    fn quiet_hours_may_cross_midnight() {
        let night: QuietHours = "22:00-07:00".parse().unwrap();
        for (hour, minute, quiet) in [
            (21, 59, false),
            (22, 0, true),
            (23, 59, true),
            (0, 0, true),
            (6, 59, true),
            (7, 0, false),
        ] {
            assert_eq!(
                night.contain(time(hour, minute, 30, 0)),
                quiet,
                "{hour}:{minute}"
            );
        }
        let noon: QuietHours = "12:00-13:30".parse().unwrap();
        assert!(noon.contain(time(13, 29, 59, 0)) && !noon.contain(time(13, 30, 0, 0)));
        assert!(!noon.contain(time(2, 0, 0, 0)));
    }

    #[test]
    fn times_ports_and_days_that_make_no_sense_are_refused() {
        for text in ["22", "24:00", "7:00", "07:60", "07:0x", "+7:00", ""] {
            assert_eq!(
                text.parse::<TimeOfDay>(),
                Err(SettingError::NoTime),
                "{text}"
            );
        }
        let same = "07:00-07:00".parse::<QuietHours>();
        assert_eq!(same, Err(SettingError::QuietForNoTime));
        for port in ["80", "1023", "4316", "65536", "x"] {
            assert_eq!(port.parse::<ApiPort>(), Err(SettingError::Port), "{port}");
        }
        for days in ["0", "3651", "-1", "90d", ""] {
            let parsed = days.parse::<RetentionDays>();
            assert_eq!(parsed, Err(SettingError::Retention), "{days}");
        }
        assert_eq!("1024".parse::<ApiPort>().map(ApiPort::get), Ok(1024));
    }

    #[test]
    fn what_an_older_version_stored_is_read() {
        let read: Settings = serde_json::from_str(r#"{"browser": "firefox"}"#).unwrap();
        assert_eq!(read.browser.as_deref(), Some("firefox"));
        assert!(read.notifications.needs_you && read.notifications.quiet_hours.is_none());
        assert_eq!((read.port, read.log_level), (None, LogLevel::Info));
        assert_eq!(read.retention_days.get(), 90);
    }

    #[test]
    fn settings_read_back() {
        let set = Settings {
            notifications: Notifications {
                sign_in: false,
                quiet_hours: Some("22:00-07:30".parse().unwrap()),
                ..Notifications::default()
            },
            port: Some(ApiPort(5000)),
            ..Settings::default()
        };
        let text = serde_json::to_string(&set).unwrap();
        assert!(
            text.contains(r#""quiet_hours":{"from":"22:00","to":"07:30"}"#),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), set);
    }
}

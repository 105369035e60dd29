//! The health check and the stop timeout of an image's configuration, which Docker has and the OCI specification has not.
//!
//! Invariant: they never make an image invalid. containerd does not know these fields, and accepts any value of them.

use crate::image::metadata::go_json::{JsonError, List, Value};
use std::time::Duration;

/// HEALTHCHECK: how a caller finds out whether a container works. Zero means that the image does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Healthcheck {
    /// `CMD` and arguments, `CMD-SHELL` and a command for a shell, or `NONE`.
    pub test: Vec<String>,
    /// The time between checks.
    pub interval: Duration,
    /// The longest time that a check may take.
    pub timeout: Duration,
    /// The time after the start in which failures do not count.
    pub start_period: Duration,
    /// The time between checks in the start period.
    pub start_interval: Duration,
    /// How many failures in a row make a container unhealthy.
    pub retries: u32,
}

const FIELDS: &[&str] = &["Test", "Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"];

/// Reads a health check. Docker: `HealthcheckConfig` of docker-image-spec; durations are in nanoseconds.
///
/// # Errors
///
/// A value of another type, and a number below 0.
pub(super) fn read_healthcheck(value: Value<'_>) -> Result<Option<Box<Healthcheck>>, JsonError> {
    if value.is_null() {
        return Ok(None);
    }
    let (mut test, mut check) = (List::default(), Box::<Healthcheck>::default());
    value.fields(FIELDS, |name, value| match name {
        "Test" => value.strings(&mut test),
        "Interval" => read_duration(value, &mut check.interval),
        "Timeout" => read_duration(value, &mut check.timeout),
        "StartPeriod" => read_duration(value, &mut check.start_period),
        "StartInterval" => read_duration(value, &mut check.start_interval),
        _ => {
            check.retries = read_number(value)?;
            Ok(())
        }
    })?;
    check.test = test.into_vec();
    Ok(Some(check))
}

fn read_duration(value: Value<'_>, into: &mut Duration) -> Result<(), JsonError> {
    *into = Duration::from_nanos(read_number(value)?);
    Ok(())
}

fn read_number<N: TryFrom<i64>>(value: Value<'_>) -> Result<N, JsonError> {
    let mut number = 0;
    value.integer(&mut number)?;
    N::try_from(number).map_err(|_| JsonError::new(format!("{number} is out of range")))
}

/// Reads a stop timeout in seconds; -1 means without a limit. Docker: `container.Config.StopTimeout`.
///
/// # Errors
///
/// A value of another type, and a number below -1.
pub(super) fn read_stop_timeout(value: Value<'_>) -> Result<Option<i32>, JsonError> {
    if value.is_null() {
        return Ok(None);
    }
    match read_number(value)? {
        seconds @ -1.. => Ok(Some(seconds)),
        seconds => Err(JsonError::new(format!("{seconds} is out of range"))),
    }
}

//! Maps errors to gRPC statuses: a code, a sentence, and details for programs.
//!
//! Every error has its own arm; there is no wildcard. containerd's own statuses are never passed through.

use crate::api::pb::specd::ErrorReason;
use crate::domain::violation::{Violation, Violations};
use crate::generate::GenerateError;
use crate::image::ImageError;
use crate::image::reference::why_impossible;
use crate::spec::SpecError;
use crate::store::{ContainerError, SnapshotError, StoreError};
use crate::users::error::{AccountError, Asked};
use std::collections::HashMap;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of every reason.
pub const DOMAIN: &str = "specd.v1";

/// When a caller may retry after the source could not be reached.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// When a caller may retry after the server was overloaded.
const OVERLOAD_DELAY: Duration = Duration::from_millis(100);

/// The longest message, in bytes: clients refuse a status with long headers.
const MESSAGE_BYTES: usize = 512;

/// The longest text of one detail, in bytes.
const DETAIL_BYTES: usize = 256;

/// The most bytes of a status that violations may use.
const VIOLATIONS_BYTES: usize = 2048;

/// The status of an error.
#[must_use]
pub fn of(error: &GenerateError) -> Status {
    match error {
        GenerateError::Request(violations) => invalid_request(violations),
        GenerateError::Image(error) => image(error),
        GenerateError::Container(error) => container(error),
        GenerateError::Account(error) => account(error),
        GenerateError::Spec(SpecError::Request(violations)) => invalid_request(violations),
        GenerateError::Spec(SpecError::Image(text)) => {
            failed(Code::FailedPrecondition, text, ErrorReason::ImageUnusable, &[])
        }
        GenerateError::Spec(error @ SpecError::Stored(_)) => failed(
            Code::FailedPrecondition,
            &error.to_string(),
            ErrorReason::ContainerUnusable,
            &[],
        ),
        // The deadline is the only reason why a result is not wanted.
        GenerateError::Spec(error @ SpecError::Unwanted) => {
            failed(Code::DeadlineExceeded, &error.to_string(), ErrorReason::DeadlineExceeded, &[])
        }
        GenerateError::Spec(SpecError::TooLarge(limit)) => message_too_large("answer", *limit),
        GenerateError::Spec(error @ SpecError::Internal(_)) => internal(error),
    }
}

/// The status of a call that took longer than its deadline.
#[must_use]
pub fn deadline_exceeded(time: Duration) -> Status {
    let text = format!("not finished within {time:?}");
    failed(Code::DeadlineExceeded, &text, ErrorReason::DeadlineExceeded, &[])
}

/// The status of a call of a method that the operator has turned off with a flag.
#[must_use]
pub fn turned_off(method: &str, flag: &str) -> Status {
    let text = format!("{method} is turned off on this server: {flag}");
    failed(Code::Unimplemented, &text, ErrorReason::TurnedOff, &[("flag", flag)])
}

/// The status of a call that exceeds the limit of calls in flight.
#[must_use]
pub fn overloaded() -> Status {
    let mut details = info(ErrorReason::Overloaded, &[]);
    details.set_retry_info(Some(OVERLOAD_DELAY));
    let text = "the server already handles its maximum number of calls";
    Status::with_error_details(Code::ResourceExhausted, text, details)
}

/// The status of a call with a request or response that exceeds the size limit.
#[must_use]
pub fn message_too_large(what: &str, limit: usize) -> Status {
    let limit = limit.to_string();
    failed(
        Code::ResourceExhausted,
        &format!("the {what} exceeds the limit of {limit} bytes"),
        ErrorReason::LimitExceeded,
        &[("what", what), ("limit", &limit), ("unit", "bytes")],
    )
}

/// The status of a request that is not a protobuf message of its type.
#[must_use]
pub fn undecodable(reason: &str) -> Status {
    let text = format!("the request cannot be decoded: {reason}");
    failed(Code::InvalidArgument, &text, ErrorReason::InvalidRequest, &[])
}

fn image(error: &ImageError) -> Status {
    let text = error.to_string();
    let invalid = |pairs: &[(&str, &str)]| {
        failed(Code::FailedPrecondition, &text, ErrorReason::ImageInvalid, pairs)
    };
    match error {
        ImageError::Store(error) => source(error),
        ImageError::PlatformAbsent { wanted, exist } => {
            let exist: Vec<String> = exist.iter().map(ToString::to_string).collect();
            failed(
                Code::NotFound,
                &text,
                ErrorReason::PlatformAbsent,
                &[("platform", &wanted.to_string()), ("platforms", &exist.join(","))],
            )
        }
        ImageError::LayerAbsent { digest, .. } => failed(
            Code::FailedPrecondition,
            &text,
            ErrorReason::BlobAbsent,
            &[("digest", digest.as_str())],
        ),
        ImageError::Snapshot(error) => snapshot(error),
        ImageError::Invalid { digest, .. } | ImageError::LayerUnreadable { digest, .. } => {
            invalid(&[("digest", digest.as_str())])
        }
        ImageError::File { path, .. } => invalid(&[("path", path)]),
        ImageError::Corrupt { digest, expected, found } => failed(
            Code::DataLoss,
            &text,
            ErrorReason::BlobCorrupt,
            &[("digest", digest.as_str()), ("expected", expected), ("found", found)],
        ),
        ImageError::Limit { what, limit, unit } => failed(
            Code::ResourceExhausted,
            &text,
            ErrorReason::LimitExceeded,
            &[("what", what), ("limit", &limit.to_string()), ("unit", unit)],
        ),
    }
}

fn source(error: &StoreError) -> Status {
    let text = error.to_string();
    match error {
        StoreError::ImageNotFound { tried, .. } => {
            let asked = tried.first().map(String::as_str).unwrap_or_default();
            if let Some(why) = why_impossible(asked) {
                return invalid_request(&Violation::new("image", why).into());
            }
            let names = tried.join(",");
            let mut details = info(ErrorReason::ImageNotFound, &[("tried", &names)]);
            details.set_resource_info(
                "image",
                cut(asked, DETAIL_BYTES),
                "",
                cut(&text, DETAIL_BYTES),
            );
            Status::with_error_details(Code::NotFound, cut(&text, MESSAGE_BYTES), details)
        }
        StoreError::BlobAbsent { digest } => failed(
            Code::FailedPrecondition,
            &format!("{text}, pull the image for this platform"),
            ErrorReason::BlobAbsent,
            &[("digest", digest.as_str())],
        ),
        StoreError::Unavailable(_) => {
            let mut details = info(ErrorReason::SourceUnavailable, &[]);
            details.set_retry_info(Some(RETRY_DELAY));
            Status::with_error_details(Code::Unavailable, cut(&text, MESSAGE_BYTES), details)
        }
        StoreError::Invalid(_) => {
            failed(Code::FailedPrecondition, &text, ErrorReason::ImageInvalid, &[])
        }
    }
}

fn container(error: &ContainerError) -> Status {
    let text = error.to_string();
    match error {
        ContainerError::NotFound { namespace, id }
        | ContainerError::NoContainers { namespace, id } => {
            let pairs = [("namespace", namespace.as_str()), ("id", id.as_str())];
            let mut details = info(ErrorReason::ContainerNotFound, &pairs);
            details.set_resource_info("container", id.as_str(), "", cut(&text, DETAIL_BYTES));
            Status::with_error_details(Code::NotFound, cut(&text, MESSAGE_BYTES), details)
        }
        ContainerError::Unusable { namespace, id, .. } => failed(
            Code::FailedPrecondition,
            &text,
            ErrorReason::ContainerUnusable,
            &[("namespace", namespace.as_str()), ("id", id.as_str())],
        ),
        ContainerError::Store(error) => source(error),
    }
}

fn snapshot(error: &SnapshotError) -> Status {
    let text = error.to_string();
    match error {
        SnapshotError::Absent { snapshotter, key } => failed(
            Code::NotFound,
            &text,
            ErrorReason::SnapshotNotFound,
            &[("snapshotter", snapshotter.as_str()), ("key", key.as_str())],
        ),
        SnapshotError::Off
        | SnapshotError::Unsupported
        | SnapshotError::Label(_)
        | SnapshotError::Unreadable(_) => {
            failed(Code::FailedPrecondition, &text, ErrorReason::SnapshotUnreadable, &[])
        }
        SnapshotError::Store(error) => source(error),
    }
}

fn account(error: &AccountError) -> Status {
    let field = match error.asked {
        Asked::Caller => "options.user.user".to_owned(),
        Asked::CallerName => "options.user.username".to_owned(),
        Asked::CallerGroup(index) => format!("options.user.additional_groups[{index}]"),
        Asked::Image => String::new(),
    };
    if field.is_empty() || error.cause.is_bad_data() {
        let reason = ErrorReason::ImageUserUnresolved;
        return failed(Code::FailedPrecondition, &error.to_string(), reason, &[]);
    }
    let violations = Violations::from(Violation::new(field, &error.cause));
    bad_request(&violations, ErrorReason::UserNotFound)
}

fn invalid_request(violations: &Violations) -> Status {
    bad_request(violations, ErrorReason::InvalidRequest)
}

/// Lists as many violations as fit, and counts the rest.
fn bad_request(violations: &Violations, reason: ErrorReason) -> Status {
    let mut rules: Vec<&str> = violations.iter().filter_map(|violation| violation.rule).collect();
    rules.dedup();
    let rules = rules.join(",");
    let pairs = [("rules", rules.as_str())];
    let mut details = info(reason, if rules.is_empty() { &[] } else { &pairs });
    let mut listed = 0;
    let mut room = VIOLATIONS_BYTES;
    for Violation { field, description, .. } in violations.iter() {
        let (field, description) = (cut(field, DETAIL_BYTES), cut(description, DETAIL_BYTES));
        let Some(left) = room.checked_sub(field.len() + description.len()) else {
            break;
        };
        details.add_bad_request_violation(field, description);
        (room, listed) = (left, listed + 1);
    }
    let omitted = violations.count() - listed;
    if omitted > 0 {
        details.add_bad_request_violation("", format!("and {omitted} more violations"));
    }
    let text = cut(&violations.to_string(), MESSAGE_BYTES);
    Status::with_error_details(Code::InvalidArgument, text, details)
}

fn failed(code: Code, text: &str, reason: ErrorReason, pairs: &[(&str, &str)]) -> Status {
    Status::with_error_details(code, cut(text, MESSAGE_BYTES), info(reason, pairs))
}

fn internal(error: &SpecError) -> Status {
    tracing::error!(%error, "internal error");
    failed(Code::Internal, "internal error, see the log of the server", ErrorReason::Internal, &[])
}

fn info(reason: ErrorReason, pairs: &[(&str, &str)]) -> ErrorDetails {
    let metadata: HashMap<String, String> =
        pairs.iter().map(|(key, value)| ((*key).to_owned(), cut(value, DETAIL_BYTES))).collect();
    let name = reason.as_str_name().trim_start_matches("ERROR_REASON_");
    ErrorDetails::with_error_info(name, DOMAIN, metadata)
}

/// A text of at most `limit` bytes, with dots if it was cut.
fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let mut end = limit.saturating_sub("...".len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Snapshotter;
    use crate::image::digest::Digest;
    use crate::image::platform::Platform;
    use crate::image::snapshot::key::SnapshotKey;

    fn reason(status: &Status) -> String {
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.domain, DOMAIN);
        assert_eq!(documented_code(&info.reason), format!("{:?}", status.code()).to_lowercase());
        info.reason
    }

    /// The code that the comment of a reason in the proto starts with, for example `notfound`.
    fn documented_code(reason: &str) -> String {
        let proto = include_str!("../../proto/specd/v1/errors.proto");
        let (before, _) = proto.split_once(&format!("  ERROR_REASON_{reason} =")).unwrap();
        let comment = before.rsplit(";\n").next().unwrap().trim_start();
        let code = comment.strip_prefix("// ").and_then(|text| text.split_once(". ")).unwrap().0;
        code.replace('_', "").to_lowercase()
    }

    #[test]
    fn each_error_has_its_code_and_reason() {
        let digest = Digest::parse(&format!("sha256:{}", "a".repeat(64))).unwrap();
        let source = |error: StoreError| GenerateError::Image(error.into());
        let snapshotter = Snapshotter::parse("overlayfs").unwrap();
        let key = SnapshotKey::parse("web-1").unwrap();
        let table: [(GenerateError, Code, &str); 12] = [
            (
                source(StoreError::ImageNotFound {
                    tried: vec!["a".into(), "b".into()],
                    hint: String::new(),
                }),
                Code::NotFound,
                "IMAGE_NOT_FOUND",
            ),
            (
                source(StoreError::BlobAbsent { digest: digest.clone() }),
                Code::FailedPrecondition,
                "BLOB_ABSENT",
            ),
            (
                source(StoreError::Unavailable("gone".into())),
                Code::Unavailable,
                "SOURCE_UNAVAILABLE",
            ),
            (
                ImageError::PlatformAbsent {
                    wanted: Platform::new("linux", "arm64", ""),
                    exist: vec![Platform::new("linux", "amd64", "")],
                }
                .into(),
                Code::NotFound,
                "PLATFORM_ABSENT",
            ),
            (
                ImageError::Corrupt {
                    digest: digest.clone(),
                    expected: "1 bytes".into(),
                    found: "2 bytes".into(),
                }
                .into(),
                Code::DataLoss,
                "BLOB_CORRUPT",
            ),
            (
                ImageError::LayerAbsent { digest: digest.clone(), snapshot: SnapshotError::Off }
                    .into(),
                Code::FailedPrecondition,
                "BLOB_ABSENT",
            ),
            (
                ImageError::from(SnapshotError::Absent { snapshotter, key }).into(),
                Code::NotFound,
                "SNAPSHOT_NOT_FOUND",
            ),
            (
                ImageError::from(SnapshotError::Off).into(),
                Code::FailedPrecondition,
                "SNAPSHOT_UNREADABLE",
            ),
            (
                ImageError::Invalid { digest, reason: "no JSON".into() }.into(),
                Code::FailedPrecondition,
                "IMAGE_INVALID",
            ),
            (
                ImageError::Limit { what: "x".into(), limit: 1, unit: "bytes" }.into(),
                Code::ResourceExhausted,
                "LIMIT_EXCEEDED",
            ),
            (
                SpecError::Image("nothing to run".into()).into(),
                Code::FailedPrecondition,
                "IMAGE_UNUSABLE",
            ),
            (SpecError::Internal("secret".into()).into(), Code::Internal, "INTERNAL"),
        ];
        for (error, code, name) in table {
            let status = of(&error);
            assert_eq!((status.code(), reason(&status)), (code, name.to_owned()), "{error}");
        }
    }

    #[test]
    fn details_say_what_to_do() {
        let unavailable = of(&ImageError::from(StoreError::Unavailable("gone".into())).into());
        let retry = unavailable.get_details_retry_info().unwrap();
        assert_eq!(retry.retry_delay, Some(RETRY_DELAY));
        let tried = vec!["nginx".to_owned(), "docker.io/library/nginx:latest".to_owned()];
        let unknown =
            of(&ImageError::from(StoreError::ImageNotFound { tried, hint: String::new() }).into());
        assert!(unknown.message().contains("docker.io/library/nginx:latest"));
        assert_eq!(unknown.get_details_resource_info().unwrap().resource_name, "nginx");
        let tried = vec!["NGINX".to_owned()];
        let never = StoreError::ImageNotFound { tried, hint: String::new() };
        let never = of(&ImageError::from(never).into());
        assert_eq!(
            (never.code(), reason(&never)),
            (Code::InvalidArgument, "INVALID_REQUEST".into())
        );
        assert_eq!(never.get_details_bad_request().unwrap().field_violations[0].field, "image");
        let overloaded = overloaded();
        assert_eq!(
            (overloaded.code(), reason(&overloaded)),
            (Code::ResourceExhausted, "OVERLOADED".into())
        );
        assert!(overloaded.get_details_retry_info().unwrap().retry_delay.is_some());
        let too_large = message_too_large("request", 7);
        assert_eq!(
            (too_large.code(), reason(&too_large)),
            (Code::ResourceExhausted, "LIMIT_EXCEEDED".into())
        );
        assert_eq!(too_large.get_details_error_info().unwrap().metadata["limit"], "7");
        let internal = of(&SpecError::Internal("secret".into()).into());
        assert!(!format!("{internal:?}").contains("secret"));
    }

    #[test]
    fn a_status_stays_within_what_clients_take() {
        let mut violations = Violations::default();
        for index in 0..100 {
            violations.push(format!("options.process.env[{index}]"), "x".repeat(1000));
        }
        let status = of(&violations.into());
        assert!(status.message().len() <= 512);
        assert!(status.details().len() <= 3 * 1024, "{}", status.details().len());
        let listed = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(listed.len(), 8);
        assert_eq!(listed[7].description, "and 93 more violations");
        assert_eq!(cut("aüb", 3), "...");
    }
}

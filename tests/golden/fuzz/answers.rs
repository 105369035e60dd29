//! The whole service: images, account files and requests, changed in a few places.

use crate::fuzz::{corpus, encoded_requests, golden, lines};
use crate::support::fuzz::{cases, changed, changed_text};
use crate::support::service::{Fixture, IMAGE};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use prost::Message;
use serde_json::{Value, json};
use specd::api::pb::specd::{
    ExplainRequest, GenerateRequest, GenerateResponse, SeccompOptions, SecurityOptions,
    SpecOptions, SpecService, UserOptions, seccomp_options,
};
use specd::generate::Machine;
use std::sync::LazyLock;
use tokio::runtime::{Builder, Runtime};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

const PROFILES: [&str; 5] = ["function", "containerd-1.6", "containerd-2.4", "docker", "hardened"];

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());

/// Generates and explains, and compares the two.
fn answer(
    fixture: &Fixture,
    request: &GenerateRequest,
) -> Result<Result<GenerateResponse, Status>, TestCaseError> {
    let service = fixture.service();
    let generated = RUNTIME.block_on(service.generate(Request::new(request.clone())));
    let explain = ExplainRequest { request: Some(request.clone()) };
    let explained = RUNTIME.block_on(service.explain(Request::new(explain)));
    let generated = generated.map(tonic::Response::into_inner);
    match (&generated, explained.map(tonic::Response::into_inner)) {
        (Ok(generated), Ok(explained)) => {
            prop_assert_eq!(Some(generated), explained.generated.as_ref());
            let leaves = explained.fields.iter().filter(|field| !field.value.is_empty());
            prop_assert!(leaves.count() > 0);
        }
        (Err(generated), Err(explained)) => {
            prop_assert_eq!(
                (generated.code(), generated.message()),
                (explained.code(), explained.message())
            );
            is_an_error(generated)?;
        }
        // An explanation may be too long where the spec is not.
        (Ok(_), Err(explained)) => prop_assert_eq!(explained.code(), Code::ResourceExhausted),
        (Err(generated), Ok(_)) => prop_assert!(false, "explained, not generated: {}", generated),
    }
    Ok(generated)
}

/// Whether an error is one that a caller can act on.
fn is_an_error(status: &Status) -> Result<(), TestCaseError> {
    let codes = [
        Code::InvalidArgument,
        Code::NotFound,
        Code::FailedPrecondition,
        Code::ResourceExhausted,
        Code::DataLoss,
    ];
    prop_assert!(codes.contains(&status.code()), "{}", status);
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    prop_assert!(!reason.is_empty(), "without a reason: {}", status);
    prop_assert!(status.message().len() <= 512, "{}", status);
    Ok(())
}

fn spec(response: &GenerateResponse) -> Value {
    serde_json::from_slice(&response.spec.as_ref().unwrap().value).unwrap()
}

fn request(profile: &str) -> GenerateRequest {
    GenerateRequest {
        image: IMAGE.to_owned(),
        namespace: "default".to_owned(),
        id: "app-1".to_owned(),
        profile: profile.to_owned(),
        ..Default::default()
    }
}

fn config(user: &str) -> Vec<u8> {
    let config =
        json!({"os": "linux", "architecture": "amd64", "config": {"User": user, "Cmd": ["x"]}});
    config.to_string().into_bytes()
}

const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/srv:/bin/sh\n";
const GROUP: &[u8] = b"root:x:0:\napp:x:1000:\naudio:x:29:app\n";

/// Whether a user may become uid 0: none is named, or a zero, or a line of the file that gives it to this name. Files of
/// containerd's kind also take what is no number of a matching line for 0.
fn may_be_root(user: &str, passwd: &[u8]) -> bool {
    let name = user.split(':').next().unwrap_or_default();
    let is_zero = name.parse::<i128>().is_ok_and(|number| number == 0);
    let of_a_line = passwd.split(|byte| *byte == b'\n').any(|line| {
        let line = String::from_utf8_lossy(line);
        let fields: Vec<&str> = line.trim().split(':').collect();
        let uid = fields.get(2).and_then(|uid| uid.trim().parse::<i128>().ok());
        fields[0] == name && uid == Some(0)
    });
    name.is_empty() || is_zero || of_a_line
}

/// JSON patches, seccomp policies of Docker's format, and OCI seccomp objects.
fn with(options: SpecOptions) -> GenerateRequest {
    GenerateRequest { options: Some(options.into()), ..request("docker") }
}

fn seccomp(kind: seccomp_options::Kind) -> GenerateRequest {
    let seccomp = Some(SeccompOptions { kind: Some(kind) });
    with(SpecOptions {
        security: Some(SecurityOptions { seccomp, ..Default::default() }),
        ..Default::default()
    })
}

fn policies() -> Vec<Vec<u8>> {
    let docker = include_bytes!("../../../src/spec/seccomp/policies/docker-29.json").to_vec();
    [corpus("seccomp"), vec![docker]].concat()
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn fuzzed_image(bytes in changed(golden("image.json")), profile in prop::sample::select(&PROFILES[..])) {
        let fixture = Fixture::new(&bytes, Some(PASSWD), Some(GROUP)).on(Machine::default());
        let _ = answer(&fixture, &request(profile))?;
    }

    #[test]
    fn fuzzed_accounts(
        user in changed_text(lines("user")),
        passwd in changed(golden("passwd")),
        group in changed(golden("group")),
        profile in prop::sample::select(&PROFILES[..]),
        by_request: bool,
    ) {
        let image_user = if by_request { "" } else { user.as_str() };
        let fixture = Fixture::new(&config(image_user), Some(&passwd), Some(&group)).on(Machine::default());
        let mut request = request(profile);
        if by_request {
            let user = Some(UserOptions { user: Some(user.clone()), ..Default::default() });
            request.options = Some(SpecOptions { user, ..Default::default() }.into());
        }
        if let Ok(response) = answer(&fixture, &request)? {
            let spec = spec(&response);
            if spec["process"]["user"]["uid"] == 0 {
                prop_assert!(may_be_root(&user, &passwd), "{:?} became root", user);
            }
        }
    }

    #[test]
    fn fuzzed_request(bytes in changed(encoded_requests()), profile in prop::sample::select(&PROFILES[..])) {
        if let Ok(mut request) = GenerateRequest::decode(bytes.as_slice()) {
            profile.clone_into(&mut request.profile);
            for (field, value) in [(&mut request.image, IMAGE), (&mut request.namespace, "default"), (&mut request.id, "app-1")] {
                value.clone_into(field);
            }
            let fixture = Fixture::new(&config("app"), Some(PASSWD), Some(GROUP)).on(Machine::default());
            let _ = answer(&fixture, &request)?;
        }
    }

    #[test]
    fn fuzzed_merge_patch(patch in changed_text(corpus("merge_patch"))) {
        let fixture = Fixture::new(&config("app"), Some(PASSWD), Some(GROUP)).on(Machine::default());
        let request = with(SpecOptions { spec_merge_patch: Some(patch.clone()), ..Default::default() });
        if let Ok(response) = answer(&fixture, &request)? {
            // A patch that is answered is an object, and what it sets to null is not in the spec.
            let Ok(Value::Object(patch)) = serde_json::from_str(&patch) else {
                return Err(TestCaseError::fail("the patch is no object"));
            };
            let spec = spec(&response);
            for (key, value) in patch {
                prop_assert!(!value.is_null() || spec.get(&key).is_none(), "{} is there", key);
            }
        }
    }

    #[test]
    fn fuzzed_seccomp_policy(policy in changed_text(policies())) {
        let fixture = Fixture::new(&config("app"), Some(PASSWD), Some(GROUP)).on(Machine::default());
        let _ = answer(&fixture, &seccomp(seccomp_options::Kind::DockerPolicy(policy)))?;
    }

    #[test]
    fn fuzzed_oci_seccomp(filter in changed_text(corpus("seccomp"))) {
        let fixture = Fixture::new(&config("app"), Some(PASSWD), Some(GROUP)).on(Machine::default());
        let _ = answer(&fixture, &seccomp(seccomp_options::Kind::Oci(filter)))?;
    }
}

//! Images that mean harm, asked for with every profile. Each test is named by what it recalls.

use crate::support::service::Fixture;
use serde_json::{Value, json};
use specd::api::pb::specd::{GenerateRequest, ProcessOptions, SpecOptions};
use specd::generate::Machine;
use specd::spec::Profiles;
use tokio::runtime::Builder;
use tonic::{Code, Status};
use tonic_types::StatusExt;

fn profiles() -> Vec<String> {
    let profiles = Profiles::built_in("function").unwrap();
    profiles.iter().filter_map(|(profile, _)| profile.names().next().map(str::to_owned)).collect()
}

/// The profiles that take the user of the image: faas-rs does not, whatever it says.
fn profiles_with_users() -> Vec<String> {
    profiles().into_iter().filter(|profile| profile != "faas-rs").collect()
}

/// The spec of an image with these settings and these lines of `/etc/passwd`.
fn generate(
    settings: &Value,
    passwd: &str,
    profile: &str,
    options: Option<SpecOptions>,
) -> Result<Value, Status> {
    // What every profile needs.
    let mut all = json!({
        "Cmd": ["/bin/true"], "Env": ["A=1"], "WorkingDir": "/srv", "ExposedPorts": {"80/tcp": {}},
    });
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let config = json!({"os": "linux", "architecture": "amd64", "config": all}).to_string();
    let group = Some(&b"root:x:0:\n"[..]);
    let fixture = Fixture::new(config.as_bytes(), Some(passwd.as_bytes()), group);
    let request = GenerateRequest {
        namespace: "default".to_owned(),
        id: "app-1".to_owned(),
        profile: profile.to_owned(),
        options: options.map(Box::new),
        ..Default::default()
    };
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let response = runtime.block_on(fixture.on(Machine::default()).generate(request))?;
    Ok(serde_json::from_slice(&response.spec.unwrap().value).unwrap())
}

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n";

/// A refusal, with the reason that says that the image is at fault.
fn is_refused(answer: Result<Value, Status>, what: &str) {
    let Err(status) = answer else { panic!("{what} is answered") };
    assert_eq!(status.code(), Code::FailedPrecondition, "{what}: {status}");
    assert!(!status.get_details_error_info().unwrap().reason.is_empty(), "{what}");
}

#[test]
fn cve_2024_40635_a_uid_beyond_the_largest_is_refused_and_never_root() {
    for profile in profiles_with_users() {
        let spec = generate(&json!({"User": "2147483647"}), PASSWD, &profile, None).unwrap();
        assert_eq!(spec["process"]["user"]["uid"], 2_147_483_647, "{profile}");
        for user in [
            "2147483648",
            "4294967295",
            "4294967296",
            "9223372036854775808",
            "-1",
            "0:4294967296",
            "2147483648:0",
        ] {
            is_refused(generate(&json!({"User": user}), PASSWD, &profile, None), user);
        }
    }
}

#[test]
fn cve_2026_46680_a_number_that_does_not_fit_is_not_looked_up_as_a_name() {
    let number = "99999999999999999999";
    let passwd = format!("{PASSWD}{number}:x:0:0::/:/bin/sh\n");
    for profile in profiles_with_users() {
        is_refused(generate(&json!({"User": number}), &passwd, &profile, None), &profile);
    }
}

#[test]
fn cve_2022_23648_a_volume_of_an_image_never_becomes_a_mount() {
    let volumes = json!({"Volumes": {"/data": {}, "/../../../etc": {}, "/proc": {}, "..": {}}});
    for profile in profiles() {
        let plain = generate(&json!({}), PASSWD, &profile, None).unwrap();
        // A profile that refuses such a path makes no mount either.
        if let Ok(spec) = generate(&volumes, PASSWD, &profile, None) {
            assert_eq!(spec["mounts"], plain["mounts"], "{profile}");
        }
        let data = generate(&json!({"Volumes": {"/data": {}}}), PASSWD, &profile, None).unwrap();
        assert_eq!(data["mounts"], plain["mounts"], "{profile}");
    }
}

#[test]
fn cve_2022_24769_inheritable_and_ambient_capabilities_stay_empty_unless_asked_for() {
    for profile in profiles() {
        for user in ["0", "1000:1000"] {
            let spec = generate(&json!({"User": user}), PASSWD, &profile, None).unwrap();
            let capabilities = &spec["process"]["capabilities"];
            for set in ["inheritable", "ambient"] {
                let names = capabilities[set].as_array().map_or(0, Vec::len);
                assert_eq!(names, 0, "{profile}, user {user}: {set}");
            }
        }
    }
}

#[test]
fn cve_2024_21626_a_working_directory_through_a_descriptor_is_refused() {
    for profile in profiles() {
        for path in ["/proc/self/fd/8", "/proc/self/fd/7/../../../../etc", "/dev/fd/9"] {
            let settings = json!({"WorkingDir": path});
            is_refused(generate(&settings, PASSWD, &profile, None), path);
            let process = ProcessOptions { cwd: Some(path.to_owned()), ..Default::default() };
            let options = SpecOptions { process: Some(process), ..Default::default() };
            let status = generate(&json!({}), PASSWD, &profile, Some(options)).unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument, "{profile}: {status}");
        }
    }
}

#[test]
fn config_of_a_million_variables_is_answered_or_refused_with_a_reason() {
    // As many as a configuration of 4 MiB can have.
    let settings = json!({"Env": vec!["A=1"; 690_000]});
    match generate(&settings, PASSWD, "function", None) {
        Ok(spec) => assert!(spec["process"]["env"][689_999].is_string()),
        Err(status) => {
            let reason = status.get_details_error_info().unwrap().reason;
            assert!(!reason.is_empty(), "{status}");
        }
    }
}

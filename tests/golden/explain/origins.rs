//! Origins, spelled out.

use crate::explain::explain;
use crate::support::golden::{case, cases};
use crate::support::request_json;
use crate::support::service::Fixture;
use specd::api::pb::specd as pb;
use std::path::Path;

/// The explanation of a golden request, a line a leaf: the path, the value, who set it; then what it replaced, the
/// oldest first.
async fn lines(name: &str) -> Vec<String> {
    let (fixture, request) = case(name).generate();
    let fields = explain(&fixture, request).await.unwrap().fields;
    fields.iter().map(line).collect()
}

fn line(field: &pb::ExplainedField) -> String {
    let before = field.replaced.iter().rev();
    let before = before.map(|setting| format!(" < {}", text(&setting.value, &setting.origin)));
    format!("{} {}{}", field.path, text(&field.value, &field.origin), before.collect::<String>())
}

fn text(value: &str, origin: &Option<pb::Origin>) -> String {
    let value = if value.is_empty() { "-" } else { value };
    format!("{value} {}", origin.as_ref().unwrap().text)
}

/// The lines of an explanation with a path that begins like this.
async fn below(name: &str, path: &str) -> Vec<String> {
    lines(name).await.into_iter().filter(|line| line.starts_with(path)).collect()
}

/// Whether a line of an explanation is there.
async fn has(name: &str, line: &str) {
    let lines = lines(name).await;
    assert!(lines.iter().any(|other| other == line), "{name}: no {line} in\n{}", lines.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_and_what_was_unset_and_replaced_in_it() {
    assert_eq!(
        below("env-changes-in-order", "/process/env/").await,
        [
            "/process/env/0 \"LANG=de\" options.process.env[0] < \"LANG=C.UTF-8\" image config.Env[1]",
            "/process/env/1 \"NEW=1\" options.process.env[1]",
            "/process/env/2 \"EMPTY=\" options.process.env[3]",
            "/process/env/0 - options.process.env[2] < \"PATH=/usr/bin:/bin\" image config.Env[0]",
        ]
    );
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    has(
        "env-default-path-goes-first",
        &format!("/process/env/0 \"PATH={path}\" step env: the default PATH"),
    )
    .await;
    has("terminal-sets-term", "/process/env/2 \"TERM=xterm\" step terminal: TERM of a terminal")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_and_what_they_replace() {
    assert_eq!(
        below("args-command-replaces-cmd", "/process/args/").await,
        [
            "/process/args/0 \"/entrypoint.sh\" image config.Entrypoint[0]",
            "/process/args/1 \"check\" options.process.command.values[0] < \"serve\" image config.Cmd[0]",
            "/process/args/2 - options.process.command < \"--port\" image config.Cmd[1]",
            "/process/args/3 - options.process.command < \"8080\" image config.Cmd[2]",
        ]
    );
    has(
        "cwd-option",
        "/process/cwd \"/tmp\" options.process.cwd < \"/srv\" image config.WorkingDir < \"/\" profile \
         function (function.json:9)",
    )
    .await;
    has(
        "cwd-defaults-to-the-root",
        "/process/cwd \"/\" step cwd: / where the image has none < \"/\" profile function (function.json:9)",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_the_lines_that_name_them() {
    assert_eq!(
        below("user-name", "/process/user/").await,
        [
            "/process/user/uid 1000 image config.User \"app\", /etc/passwd:3 < 0 profile function (function.json:8)",
            "/process/user/gid 1000 image config.User, /etc/passwd:3 < 0 profile function (function.json:8)",
            "/process/user/additionalGids/0 33 image config.User, /etc/group:3",
            "/process/user/additionalGids/1 1000 image config.User, /etc/group:4",
            "/process/user/additionalGids/2 2000 image config.User, /etc/group:5",
        ]
    );
    has("user-umask", "/process/user/umask 18 options.user.umask").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn single_paths_that_were_added_and_removed() {
    let name = "security-paths-added-and-removed";
    let seen = lines(name).await;
    let ends = |path: &str, value: &str, origin: &str| {
        let of = format!("{path} {value} {origin}");
        assert!(seen.iter().any(|line| line.starts_with(&of)), "{of}\n{}", seen.join("\n"));
    };
    ends("/linux/maskedPaths/10", "\"/sys/kernel/debug\"", "options.security.masked_paths_add[0]");
    ends(
        "/linux/maskedPaths/0",
        "-",
        "options.security.masked_paths_remove[0] < \"/proc/acpi\" profile",
    );
    ends("/linux/readonlyPaths/4", "\"/proc/driver\"", "options.security.readonly_paths_add[0]");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_privileged_takes_away_is_shown() {
    let seen = lines("privileged-as-dockers").await;
    let gone = |path: &str, before: &str| {
        let start = format!("{path} - options.security.privileged < {before}");
        assert!(seen.iter().any(|line| line.starts_with(&start)), "{start}\n{}", seen.join("\n"));
    };
    gone("/linux/maskedPaths/0", "\"/proc/acpi\" profile");
    gone("/linux/readonlyPaths/0", "\"/proc/");
    gone("/process/noNewPrivileges", "true profile");
    assert!(
        seen.iter()
            .any(|line| { line.contains("\"rw\" options.security.privileged < \"ro\" profile") })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_patch_is_named_by_its_pointers() {
    let name = "merge-patch-last-and-unknown-fields-survive";
    for line in [
        "/annotations/b \"2\" options.spec_merge_patch /annotations/b",
        "/annotations/a - options.spec_merge_patch /annotations/a < \"1\" options.annotations[\"a\"]",
        "/linux/cgroupsPath \"/x\" options.spec_merge_patch /linux/cgroupsPath < \"/default/web-1\" profile function \
         (function.json:116)",
        "/linux/maskedPaths/9 - options.spec_merge_patch /linux/maskedPaths < \"/proc/scsi\" profile function \
         (function.json:137)",
        "/invented/deep/0 1 options.spec_merge_patch /invented/deep/0",
    ] {
        has(name, line).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_extends_another_is_named_by_the_files_of_both() {
    has(
        "containerd-1.6",
        "/ociVersion \"1.0.2-dev\" profile containerd-1.6 (containerd-1.6.json:11) < \"1.3.0\" profile containerd-2.4 \
         (containerd-2.4.json:10)",
    )
    .await;
}

/// Each value that a profile gave stands on the line that is named.
#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_profiles_have_the_values() {
    let profiles = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/spec/profiles");
    let mut checked = 0;
    for case in cases("generate") {
        let (fixture, request) = case.generate();
        let (namespace, id) = (request.namespace.clone(), request.id.clone());
        let Ok(explained) = explain(&fixture, request).await else { continue };
        for field in explained.fields {
            let last = (field.value.clone(), field.origin.clone());
            let before = field.replaced.iter().map(|set| (set.value.clone(), set.origin.clone()));
            for (value, origin) in before.chain([last]) {
                let Some(pb::origin::Kind::Profile(place)) = origin.unwrap().kind else { continue };
                let text = std::fs::read_to_string(profiles.join(&place.file)).unwrap();
                let line = text.lines().nth(place.line as usize - 1).unwrap();
                let filled = line.replace("{namespace}", &namespace).replace("{id}", &id);
                let filled = filled.replace("{short_id}", id.get(..12).unwrap_or(&id));
                assert!(filled.contains(&value), "{}: {value} is not in {line}", field.path);
                assert_eq!(place.file, format!("{}.json", place.name));
                checked += 1;
            }
        }
    }
    assert!(checked > 5000, "only {checked} values are a profile's");
}

/// An entry that a step drops was the image's, and a list without other entries is removed.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_entry_of_an_image_is_shown_as_dropped() {
    let config =
        r#"{"os": "linux", "architecture": "amd64", "config": {"Env": [""], "Cmd": ["x"]}}"#;
    let fixture = Fixture::new(config.as_bytes(), None, None);
    let request =
        request_json::parse(r#"{"namespace": "default", "id": "a", "profile": "containerd-2.4"}"#);
    let fields = explain(&fixture, request).await.unwrap().fields;
    let env = fields.iter().filter(|field| field.path.starts_with("/process/env"));
    assert_eq!(
        env.map(line).collect::<Vec<_>>(),
        ["/process/env/0 - step env < \"\" image config.Env[0]"]
    );
}

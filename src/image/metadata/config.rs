//! The image's configuration, and how it is read from JSON.
//!
//! Absent and `null` are the same, and differ from empty where a profile distinguishes them.
//!
//! containerd reads all fields into a Go struct first, and refuses the image if one has a wrong type. So
//! the fields that no spec needs are checked too, and dropped. Fields that only Docker has are left out if they cannot be read.

use crate::image::digest::Digest;
use crate::image::metadata::descriptor::platform_field;
use crate::image::metadata::go_json::List;
use crate::image::metadata::go_json::{Document, JsonError, Value};
use crate::image::metadata::healthcheck::{Healthcheck, read_healthcheck, read_stop_timeout};
use crate::image::platform::Platform;
use std::collections::{BTreeMap, BTreeSet};

/// The configuration of an image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageConfig {
    /// The platform that it states, not normalized.
    pub platform: Platform,
    /// How to run it; absent if the image does not say.
    pub container: Option<ContainerConfig>,
    /// The digests of the uncompressed layers, lowest first.
    pub diff_ids: Vec<Digest>,
}

/// The `config` object: how to run the image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerConfig {
    /// USER, or empty.
    pub user: String,
    /// ENV.
    pub env: Option<Vec<String>>,
    /// ENTRYPOINT.
    pub entrypoint: Option<Vec<String>>,
    /// CMD.
    pub cmd: Option<Vec<String>>,
    /// WORKDIR, or empty.
    pub working_dir: String,
    /// EXPOSE.
    pub exposed_ports: Option<BTreeSet<String>>,
    /// VOLUME.
    pub volumes: BTreeSet<String>,
    /// STOPSIGNAL, or empty.
    pub stop_signal: String,
    /// The time between the stop signal and SIGKILL, in seconds; -1 without a limit.
    pub stop_timeout: Option<i32>,
    /// HEALTHCHECK.
    pub healthcheck: Option<Box<Healthcheck>>,
    /// LABEL.
    pub labels: BTreeMap<String, String>,
    /// Why fields that only Docker has cannot be read, a sentence each.
    pub unreadable: Vec<String>,
}

impl ContainerConfig {
    /// Every text in it.
    pub fn texts(&self) -> impl Iterator<Item = &String> {
        let lists = [&self.env, &self.entrypoint, &self.cmd].into_iter().flatten().flatten();
        let sets = self.exposed_ports.iter().flatten().chain(&self.volumes);
        let labels = self.labels.iter().flat_map(|(key, value)| [key, value]);
        let test = self.healthcheck.iter().flat_map(|check| &check.test);
        let fields = [&self.user, &self.working_dir, &self.stop_signal];
        fields
            .into_iter()
            .chain(lists)
            .chain(sets)
            .chain(labels)
            .chain(test)
            .chain(&self.unreadable)
    }
}

const IMAGE: &[&str] = &[
    "created",
    "author",
    "architecture",
    "os",
    "os.version",
    "os.features",
    "variant",
    "config",
    "rootfs",
    "history",
];

/// Reads a configuration.
///
/// containerd: `json.Unmarshal` into `ocispec.Image`.
///
/// # Errors
///
/// Invalid JSON, a field of the wrong type, a diff ID that is not a digest.
pub fn parse(bytes: &[u8]) -> Result<ImageConfig, JsonError> {
    let document = Document::parse(bytes)?;
    let mut platform = Platform::default();
    let mut container = None;
    let mut diff_ids = List::default();
    document.root().fields(IMAGE, |name, value| match name {
        "created" => value.check_time(),
        "author" => ignore_string(value),
        "config" if value.is_null() => Ok(()),
        "config" => container.get_or_insert_with(Container::default).read(value),
        "rootfs" => value.fields(&["type", "diff_ids"], |name, value| match name {
            "diff_ids" => value.strings(&mut diff_ids),
            _ => ignore_string(value),
        }),
        "history" => value.elements(|_, value| check_history(value)),
        _ => platform_field(&mut platform, name, value),
    })?;
    Ok(ImageConfig {
        platform,
        container: container.map(Container::finish),
        diff_ids: digests(diff_ids.into_vec()).map_err(|error| error.within("rootfs.diff_ids"))?,
    })
}

fn digests(texts: Vec<String>) -> Result<Vec<Digest>, JsonError> {
    let parse = |(index, text): (usize, String)| {
        Digest::parse(&text)
            .map_err(|error| JsonError::new(error.to_string()).within(&format!("[{index}]")))
    };
    texts.into_iter().enumerate().map(parse).collect()
}

fn check_history(value: Value<'_>) -> Result<(), JsonError> {
    let names = &["created", "created_by", "author", "comment", "empty_layer"];
    value.fields(names, |name, value| match name {
        "created" => value.check_time(),
        "empty_layer" => value.boolean(&mut false),
        _ => ignore_string(value),
    })
}

fn ignore_string(value: Value<'_>) -> Result<(), JsonError> {
    value.string(&mut String::new())
}

const CONTAINER: &[&str] = &[
    "User",
    "ExposedPorts",
    "Env",
    "Entrypoint",
    "Cmd",
    "Volumes",
    "WorkingDir",
    "Labels",
    "StopSignal",
    "StopTimeout",
    "Healthcheck",
    "ArgsEscaped",
];

/// The `config` object, while it is read.
#[derive(Default)]
struct Container {
    user: String,
    exposed_ports: Option<BTreeSet<String>>,
    env: List<String>,
    entrypoint: List<String>,
    cmd: List<String>,
    volumes: Option<BTreeSet<String>>,
    working_dir: String,
    labels: Option<BTreeMap<String, String>>,
    stop_signal: String,
    stop_timeout: Option<i32>,
    healthcheck: Option<Box<Healthcheck>>,
    unreadable: Vec<String>,
}

impl Container {
    fn read(&mut self, value: Value<'_>) -> Result<(), JsonError> {
        value.fields(CONTAINER, |name, value| match name {
            "User" => value.string(&mut self.user),
            "ExposedPorts" => value.key_set(&mut self.exposed_ports),
            "Env" => value.strings(&mut self.env),
            "Entrypoint" => value.strings(&mut self.entrypoint),
            "Cmd" => value.strings(&mut self.cmd),
            "Volumes" => value.key_set(&mut self.volumes),
            "WorkingDir" => value.string(&mut self.working_dir),
            "Labels" => value.string_map(&mut self.labels),
            "StopSignal" => value.string(&mut self.stop_signal),
            "StopTimeout" => {
                self.stop_timeout = self.or_unreadable(name, read_stop_timeout(value));
                Ok(())
            }
            "Healthcheck" => {
                self.healthcheck = self.or_unreadable(name, read_healthcheck(value));
                Ok(())
            }
            _ => value.boolean(&mut false),
        })
    }

    /// The value, or nothing and the reason in the list.
    fn or_unreadable<T>(&mut self, name: &str, read: Result<Option<T>, JsonError>) -> Option<T> {
        read.unwrap_or_else(|error| {
            self.unreadable.push(error.within(name).within("config").to_string());
            None
        })
    }

    fn finish(self) -> ContainerConfig {
        ContainerConfig {
            user: self.user,
            env: self.env.into_option(),
            entrypoint: self.entrypoint.into_option(),
            cmd: self.cmd.into_option(),
            working_dir: self.working_dir,
            exposed_ports: self.exposed_ports,
            volumes: self.volumes.unwrap_or_default(),
            stop_signal: self.stop_signal,
            stop_timeout: self.stop_timeout,
            healthcheck: self.healthcheck,
            unreadable: self.unreadable,
            labels: self.labels.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::platform::OsFeatures;
    use serde_json::json;
    use std::time::Duration;

    fn parsed(json: &serde_json::Value) -> Result<ImageConfig, String> {
        parse(json.to_string().as_bytes()).map_err(|error| error.to_string())
    }

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_whole_configuration_is_read() {
        let layer = format!("sha256:{}", "a".repeat(64));
        let config = parsed(&json!({
            "created": "2024-05-01T10:00:00.123456789Z",
            "author": "somebody",
            "architecture": "arm64",
            "os": "linux",
            "os.version": "1",
            "os.features": ["f"],
            "variant": "v8",
            "config": {
                "User": "app:www",
                "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
                "Env": ["A=1", "A=2"],
                "Entrypoint": ["/entry"],
                "Cmd": ["a", "b"],
                "Volumes": {"/data": {}},
                "WorkingDir": "/srv",
                "Labels": {"a": "1"},
                "StopSignal": "SIGINT",
                "StopTimeout": 20,
                "Healthcheck": {
                    "Test": ["CMD", "ok"], "Interval": 1, "Timeout": 2, "StartPeriod": 3, "StartInterval": 4, "Retries": 5,
                },
                "ArgsEscaped": true,
                "Memory": "unknown to Go, so of any type",
            },
            "rootfs": {"type": "layers", "diff_ids": [layer]},
            "history": [
                {"created": "0001-01-01T00:00:00Z", "created_by": "c", "author": "a", "comment": "o"},
                {"empty_layer": true},
                null,
            ],
            "moby.buildkit.buildinfo.v1": 1,
        }));
        let expected = ImageConfig {
            platform: Platform {
                os: "linux".to_owned(),
                architecture: "arm64".to_owned(),
                variant: "v8".to_owned(),
                os_features: OsFeatures::new(vec!["f".to_owned()]),
            },
            container: Some(ContainerConfig {
                user: "app:www".to_owned(),
                env: Some(texts(&["A=1", "A=2"])),
                entrypoint: Some(texts(&["/entry"])),
                cmd: Some(texts(&["a", "b"])),
                working_dir: "/srv".to_owned(),
                exposed_ports: Some(["53/udp".to_owned(), "80/tcp".to_owned()].into()),
                volumes: ["/data".to_owned()].into(),
                stop_signal: "SIGINT".to_owned(),
                stop_timeout: Some(20),
                healthcheck: Some(Box::new(Healthcheck {
                    test: texts(&["CMD", "ok"]),
                    interval: Duration::from_nanos(1),
                    timeout: Duration::from_nanos(2),
                    start_period: Duration::from_nanos(3),
                    start_interval: Duration::from_nanos(4),
                    retries: 5,
                })),
                unreadable: Vec::new(),
                labels: [("a".to_owned(), "1".to_owned())].into(),
            }),
            diff_ids: vec![Digest::parse(&layer).unwrap()],
        };
        assert_eq!(config, Ok(expected));
    }

    #[test]
    fn absent_and_null_differ_from_empty() {
        let container = |json| parsed(&json).unwrap().container;
        assert_eq!(container(json!({})), None);
        assert_eq!(container(json!({"config": null})), None);
        assert_eq!(container(json!({"config": {}})), Some(ContainerConfig::default()));
        let nulls = json!({"config": {
            "User": null, "ExposedPorts": null, "Env": null, "Entrypoint": null, "Cmd": null,
            "Volumes": null, "WorkingDir": null, "Labels": null, "StopSignal": null, "ArgsEscaped": null,
            "StopTimeout": null, "Healthcheck": null,
        }});
        assert_eq!(container(nulls), Some(ContainerConfig::default()));
        let empty = container(json!({"config": {
            "ExposedPorts": {}, "Env": [], "Entrypoint": [], "Cmd": [],
        }}));
        let empty = empty.unwrap();
        assert_eq!(
            (empty.env, empty.entrypoint, empty.cmd),
            (Some(vec![]), Some(vec![]), Some(vec![]))
        );
        assert_eq!(empty.exposed_ports, Some(BTreeSet::new()));
        assert_eq!(parse(b"null"), Ok(ImageConfig::default()));
    }

    /// containerd accepts any value of them, so that the image stays valid.
    #[test]
    fn what_only_docker_has_is_left_out_where_it_cannot_be_read() {
        for (config, why) in [
            (json!({"Healthcheck": 1}), "config.Healthcheck: expected an object, found a number"),
            (
                json!({"Healthcheck": {"Test": [1]}}),
                "config.Healthcheck.Test[0]: expected a string, found a number",
            ),
            (
                json!({"Healthcheck": {"Interval": -1}}),
                "config.Healthcheck.Interval: -1 is out of range",
            ),
            (
                json!({"Healthcheck": {"Retries": 4_294_967_296_u64}}),
                "config.Healthcheck.Retries: 4294967296 is out of range",
            ),
            (
                json!({"StopTimeout": "9"}),
                "config.StopTimeout: expected an integer, found a string",
            ),
            (json!({"StopTimeout": -2}), "config.StopTimeout: -2 is out of range"),
        ] {
            let container = parsed(&json!({ "config": config })).unwrap().container.unwrap();
            assert_eq!(container.unreadable, [why]);
            assert_eq!((container.healthcheck, container.stop_timeout), (None, None), "{config}");
        }
        let endless = parsed(&json!({"config": {"StopTimeout": -1}})).unwrap().container.unwrap();
        assert_eq!((endless.stop_timeout, endless.unreadable), (Some(-1), vec![]));
    }

    #[test]
    fn a_config_given_twice_is_merged() {
        let json = br#"{"config":{"User":"a","Env":["A=1"]},"config":null,"Config":{"user":"b"}}"#;
        let container = parse(json).unwrap().container.unwrap();
        assert_eq!((container.user.as_str(), container.env), ("b", Some(texts(&["A=1"]))));
    }

    /// containerd refuses an image with one field of the wrong type, also if nothing needs the field.
    #[test]
    fn every_field_has_its_type() {
        let a_string = "expected a string, found a number";
        let a_list = "expected a list, found an object";
        for (json, said) in [
            (json!([]), "expected an object, found a list".to_owned()),
            (json!({"created": 1}), "created: expected a time, found a number".to_owned()),
            (
                json!({"created": "${now}"}),
                "created: expected an RFC 3339 time, found \"${now}\"".to_owned(),
            ),
            (json!({"author": 1}), format!("author: {a_string}")),
            (json!({"architecture": 1}), format!("architecture: {a_string}")),
            (json!({"os": 1}), format!("os: {a_string}")),
            (json!({"os.version": 1}), format!("os.version: {a_string}")),
            (json!({"os.features": {}}), format!("os.features: {a_list}")),
            (json!({"os.features": [1]}), format!("os.features[0]: {a_string}")),
            (json!({"variant": 1}), format!("variant: {a_string}")),
            (json!({"rootfs": 1}), "rootfs: expected an object, found a number".to_owned()),
            (json!({"rootfs": {"type": 1}}), format!("rootfs.type: {a_string}")),
            (json!({"rootfs": {"diff_ids": {}}}), format!("rootfs.diff_ids: {a_list}")),
            (json!({"rootfs": {"diff_ids": [1]}}), format!("rootfs.diff_ids[0]: {a_string}")),
            (
                json!({"rootfs": {"diff_ids": ["sha256:1"]}}),
                "rootfs.diff_ids[0]: \"sha256:1\" is not a digest".to_owned(),
            ),
            (json!({"history": {}}), format!("history: {a_list}")),
            (
                json!({"history": ["a"]}),
                "history[0]: expected an object, found a string".to_owned(),
            ),
            (
                json!({"history": [{}, {"created": "now"}]}),
                "history[1].created: expected an RFC 3339 time, found \"now\"".to_owned(),
            ),
            (json!({"history": [{"created_by": 1}]}), format!("history[0].created_by: {a_string}")),
            (json!({"history": [{"author": 1}]}), format!("history[0].author: {a_string}")),
            (json!({"history": [{"comment": 1}]}), format!("history[0].comment: {a_string}")),
            (
                json!({"history": [{"empty_layer": 1}]}),
                "history[0].empty_layer: expected a boolean, found a number".to_owned(),
            ),
            (json!({"config": []}), "config: expected an object, found a list".to_owned()),
            (json!({"config": {"User": 1}}), format!("config.User: {a_string}")),
            (json!({"config": {"WorkingDir": 1}}), format!("config.WorkingDir: {a_string}")),
            (json!({"config": {"StopSignal": 1}}), format!("config.StopSignal: {a_string}")),
            (json!({"config": {"Env": {}}}), format!("config.Env: {a_list}")),
            (json!({"config": {"Entrypoint": {}}}), format!("config.Entrypoint: {a_list}")),
            (json!({"config": {"Cmd": ["a", 1]}}), format!("config.Cmd[1]: {a_string}")),
            (json!({"config": {"Labels": {"a": 1}}}), format!("config.Labels[\"a\"]: {a_string}")),
            (
                json!({"config": {"ExposedPorts": ["80"]}}),
                "config.ExposedPorts: expected an object, found a list".to_owned(),
            ),
            (
                json!({"config": {"Volumes": {"/a": ""}}}),
                "config.Volumes[\"/a\"]: expected an object, found a string".to_owned(),
            ),
            (
                json!({"config": {"ArgsEscaped": "no"}}),
                "config.ArgsEscaped: expected a boolean, found a string".to_owned(),
            ),
        ] {
            assert_eq!(parsed(&json), Err(said), "{json}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes in r#"\{("(os|config|history|rootfs|created)":(\{\}|\[\]|null|1|"x"|\{"Env":\[null\]\}),?){0,4}\}?"#) {
            let _ = parse(bytes.as_bytes());
        }
    }
}

//! From the bytes of a file to a specification: JSON or YAML by the file's name.

use super::model::CdiSpec;

/// Reads a specification.
///
/// Numbers are read as Go's YAML reads them: `0666` is octal.
///
/// # Errors
///
/// A sentence with the position.
pub(super) fn read(path: &str, bytes: &[u8]) -> Result<CdiSpec, String> {
    if path.ends_with(".json") {
        return serde_json::from_slice(bytes).map_err(|error| error.to_string());
    }
    read_yaml(bytes)
}

#[cfg(not(feature = "yaml"))]
fn read_yaml(_: &[u8]) -> Result<CdiSpec, String> {
    Err("YAML needs the feature yaml of this crate".to_owned())
}

#[cfg(feature = "yaml")]
fn read_yaml(bytes: &[u8]) -> Result<CdiSpec, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let options = serde_saphyr::options! { legacy_octal_numbers: true, with_snippet: false };
    let spec: Option<CdiSpec> = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| error.to_string().replace('\n', " "))?;
    spec.ok_or_else(|| "it is empty".to_owned())
}

#[cfg(all(test, feature = "yaml"))]
mod tests {
    use super::*;

    const YAML: &str = "cdiVersion: \"0.5.0\"\nkind: vendor.com/net\ndevices:\n- name: 0\n  containerEdits:\n    env:\n    deviceNodes:\n    - path: /dev/x\n      fileMode: 0666\n      major: 0x10\n";

    #[test]
    fn yaml_is_read_as_go_reads_it() {
        let spec = read("a.yaml", YAML.as_bytes()).unwrap();
        assert_eq!(spec.devices[0].name, "0");
        let node = &spec.devices[0].container_edits.device_nodes[0];
        assert_eq!((node.file_mode, node.major), (Some(0o666), 16));
        assert!(spec.devices[0].container_edits.env.is_empty());
    }

    #[test]
    fn json_is_read_and_null_is_nothing() {
        let text = r#"{"cdiVersion": "0.3.0", "kind": "v.com/c", "containerEdits": null,
            "devices": [{"name": "a", "containerEdits": {"env": ["A=1"], "mounts": null}}]}"#;
        let spec = read("a.json", text.as_bytes()).unwrap();
        assert_eq!(spec.devices[0].container_edits.env, ["A=1"]);
    }

    #[test]
    fn what_is_wrong_is_reported_with_its_place() {
        for (path, text, words) in [
            ("a.yaml", "kind: a\nkinds: b", "kinds"),
            ("a.yaml", "kind: a\nkind: b", "line 2"),
            ("a.yaml", "", "empty"),
            ("a.yaml", "kind: a: b", "line 1"),
            ("a.yaml", "- a", "mapping"),
            ("a.json", "{\"kind\": 1}", "line 1"),
            ("a.json", "kind: a", "line 1"),
        ] {
            let error = read(path, text.as_bytes()).unwrap_err();
            assert!(error.contains(words) && !error.contains('\n'), "{text}: {error}");
        }
        assert!(read("a.yaml", b"kind: \xff").is_err());
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = "annotations: &a0 {x: y}\n".to_owned();
        for level in 1..40 {
            let before = level - 1;
            text += &format!("b{level}: &a{level} [*a{before}, *a{before}, *a{before}]\n");
        }
        assert!(read("a.yaml", text.as_bytes()).is_err());
    }
}

//! The bounds of requests: every list, map and text of the API has one, and it is checked before a message is decoded.

use crate::support::api_fields::{self, ApiField};
use prost::Message;
use prost::bytes::Bytes;
use specd::api::bounds::{Refusal, check};
use specd::api::pb::specd::{self as pb, GenerateRequest};
use specd::domain::limits::{API, Bound, JSON_DEPTH, JSON_VALUES, REQUEST_ELEMENTS};
use std::collections::BTreeSet;

fn violations(name: &str, bytes: &[u8]) -> Vec<String> {
    match check(name, bytes) {
        Ok(()) => Vec::new(),
        Err(Refusal::Bounds(wrong)) => wrong.iter().map(ToString::to_string).collect(),
        Err(Refusal::Malformed) => vec!["malformed".to_owned()],
    }
}

fn text(at: usize) -> String {
    at.to_string()
}

#[test]
fn every_row_bounds_a_field() {
    let fields = api_fields::all();
    assert!(fields.len() > 90);
    for (row, bound) in API {
        let is_named = |name: &str| name == *row || name.starts_with(&format!("{row}."));
        let mut bounds = fields.iter().filter(|field| is_named(&field.name())).map(ApiField::bound);
        assert!(bounds.next() == Some(*bound) && bounds.all(|one| one == *bound), "{row}");
    }
    let rows: BTreeSet<_> = API.iter().map(|(row, _)| row).collect();
    assert_eq!(API.len(), rows.len(), "a field has two bounds");
}

/// The generated code would read them as unspecified.
#[test]
fn unknown_values_of_enums_are_refused() {
    let rule = pb::DeviceRule { r#type: 9, ..Default::default() };
    let devices = pb::DeviceOptions { rules: vec![rule], ..Default::default() };
    let scheduler = pb::Scheduler { flags: vec![77, 1], ..Default::default() };
    let process = pb::ProcessOptions { scheduler: Some(scheduler), ..Default::default() };
    let options =
        pb::SpecOptions { devices: Some(devices), process: Some(process), ..Default::default() };
    let mut request = GenerateRequest { options: Some(options.into()), ..Default::default() };
    for (encoding, wanted) in [(0, None), (2, None), (3, Some("3")), (-1, Some("-1"))] {
        request.encoding = encoding;
        let wrong = violations("GenerateRequest", &request.encode_to_vec());
        let texts = wrong.join("\n");
        let known = "known are DEVICE_TYPE_UNSPECIFIED, DEVICE_TYPE_ALL, DEVICE_TYPE_CHAR, DEVICE_TYPE_BLOCK";
        assert!(
            texts.contains(&format!("options.devices.rules[0].type: unknown value 9, {known}")),
            "{texts}"
        );
        assert!(
            texts.contains("options.process.scheduler.flags[0]: unknown value 77, known are "),
            "{texts}"
        );
        let encoding = wanted.map(|value| format!("encoding: unknown value {value}, known are "));
        assert_eq!(wrong.len(), 2 + usize::from(wanted.is_some()), "{texts}");
        assert!(encoding.is_none_or(|text| texts.contains(&text)), "{texts}");
    }
}

#[test]
fn every_list_and_map_is_refused_above_its_bound() {
    for field in api_fields::all().iter().filter(|field| field.has_elements()) {
        let (Bound::List(most) | Bound::Texts(most, _) | Bound::Map(most, _)) = field.bound()
        else {
            panic!("{} is a list", field.name());
        };
        let request = |count| field.with_elements(count, &text).encode_to_vec();
        let name = field.request.name();
        assert_eq!(violations(name, &request(most)), [""; 0], "{}", field.path());
        let wrong = violations(name, &request(most + 1));
        assert_eq!(wrong, [format!("{}: must have at most {most} elements", field.path())]);
    }
}

#[test]
fn every_text_is_refused_above_its_bound() {
    for field in &api_fields::all() {
        let (Bound::Text(most) | Bound::Json(most) | Bound::Texts(_, most) | Bound::Map(_, most)) =
            field.bound()
        else {
            continue;
        };
        let request = |bytes| Some(field.with_text(&"x".repeat(bytes))?.encode_to_vec());
        let (Some(within), Some(above)) = (request(most), request(most + 1)) else { continue };
        let name = field.request.name();
        assert_eq!(violations(name, &within), [""; 0], "{}", field.path());
        let wrong = violations(name, &above);
        assert!(wrong[0].starts_with(&field.path()), "{wrong:?}");
        assert!(wrong[0].ends_with(&format!(": must be at most {most} bytes")), "{wrong:?}");
    }
}

#[test]
fn all_elements_of_a_request_are_counted_together() {
    let all = api_fields::all();
    let request = |name: &str, count| {
        let field = all.iter().find(|field| field.name() == name).unwrap();
        field.with_elements(count, &text).encode_to_vec()
    };
    // Concatenated messages are merged.
    let env = request("ProcessOptions.env", 8192);
    let within = [env.clone(), request("ProcessOptions.command", REQUEST_ELEMENTS - 8192)].concat();
    assert_eq!(violations("GenerateRequest", &within), [""; 0]);
    let above = [within, request("MountOptions.add", 1)].concat();
    let wrong = violations("GenerateRequest", &above);
    assert!(wrong[0].starts_with("options.mounts.add: has too many elements"), "{wrong:?}");
    let twice = [env.clone(), env].concat();
    let wrong = violations("GenerateRequest", &twice);
    assert_eq!(wrong, ["options.process.env: must have at most 8192 elements"]);
    let explained = [&[0x0a][..], &encoded_length(twice.len()), &twice].concat();
    assert_eq!(violations("ExplainRequest", &explained), wrong);
}

fn encoded_length(length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(length.try_into().unwrap(), &mut bytes);
    bytes
}

#[test]
fn json_is_measured_before_it_is_read() {
    let all = api_fields::all();
    let json: Vec<_> = all.iter().filter(|field| matches!(field.bound(), Bound::Json(_))).collect();
    assert_eq!(json.len(), 3);
    for field in json {
        let wrong = |text: &str| {
            violations("GenerateRequest", &field.with_text(text).unwrap().encode_to_vec())
        };
        let values = |count: usize| format!("[{}0]", "0,".repeat(count - 2));
        assert_eq!(wrong(&values(JSON_VALUES)), [""; 0]);
        let path = field.path();
        let many = format!("{path}: must have at most {JSON_VALUES} JSON values");
        assert_eq!(wrong(&values(JSON_VALUES + 1)), [many]);
        let deep = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(wrong(&deep(JSON_DEPTH)), [""; 0]);
        let deeper = format!("{path}: must be nested at most {JSON_DEPTH} deep");
        assert_eq!(wrong(&deep(JSON_DEPTH + 1)), [deeper]);
        let quoted = format!("{{\"a\\\"\": \"{}\"}}", "[,".repeat(JSON_VALUES));
        assert_eq!(wrong(&quoted), [""; 0]);
    }
}

#[test]
fn groups_and_broken_bytes_are_malformed() {
    for bytes in [&[0x0b_u8, 0x0c][..], &[0x0a, 0x05, b'x'], &[0xff; 11], &[0x28, 0x01]] {
        assert_eq!(violations("GenerateRequest", bytes), ["malformed"], "{bytes:?}");
    }
    // Unknown fields are skipped.
    assert_eq!(violations("GenerateRequest", &[0xf8, 0x07, 0x01]), [""; 0]);
    assert_eq!(check("GenerateResponse", &Bytes::from_static(&[0x0b])), Ok(()));
}

#[test]
fn a_packed_list_may_be_empty() {
    // options.process.scheduler.flags, of no bytes.
    let bytes = [0x2a, 0x06, 0x0a, 0x04, 0x4a, 0x02, 0x22, 0x00];
    let request = GenerateRequest::decode(&bytes[..]).unwrap();
    let process = request.options.unwrap().process.unwrap();
    assert!(process.scheduler.unwrap().flags.is_empty());
    assert_eq!(violations("GenerateRequest", &bytes), [""; 0]);
}

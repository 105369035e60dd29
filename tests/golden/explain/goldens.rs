//! What holds for every explanation.

use crate::explain::explain;
use crate::support::golden::cases;
use serde_json::Value;
use specd::api::pb::specd as pb;
use tonic_types::{ErrorInfo, StatusExt};

/// The leaves of a value, in order.
fn leaves(value: &Value, path: &str, into: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            for (key, value) in object {
                let key = key.replace('~', "~0").replace('/', "~1");
                leaves(value, &format!("{path}/{key}"), into);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for (index, value) in list.iter().enumerate() {
                leaves(value, &format!("{path}/{index}"), into);
            }
        }
        Value::Array(_)
        | Value::Bool(_)
        | Value::Null
        | Value::Number(_)
        | Value::Object(_)
        | Value::String(_) => into.push((path.to_owned(), value.clone())),
    }
}

fn is_stated(origin: Option<&pb::Origin>) -> bool {
    origin.is_some_and(|origin| !origin.text.is_empty() && origin.kind.is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_leaves_of_an_explanation_are_those_of_the_spec() {
    let mut explained = 0;
    for case in cases("generate") {
        let (fixture, request) = case.generate();
        let name = &case.name;
        let (response, fields) =
            match (fixture.generate(request.clone()).await, explain(&fixture, request).await) {
                (Ok(generated), Ok(explained)) => {
                    assert_eq!(explained.generated.as_ref(), Some(&generated), "{name}");
                    (generated, explained.fields)
                }
                (Err(one), Err(other)) => {
                    assert_eq!(one.message(), other.message(), "{name}");
                    let (one, other) = (one.get_error_details(), other.get_error_details());
                    let reason = |info: Option<&ErrorInfo>| info.unwrap().reason.clone();
                    let (reason, other_reason) =
                        (reason(one.error_info()), reason(other.error_info()));
                    assert_eq!(reason, other_reason, "{name}");
                    continue;
                }
                (one, other) => panic!("{name}: {one:?} {other:?}"),
            };
        let spec = serde_json::from_slice(&response.spec.unwrap().value).unwrap();
        let mut want = Vec::new();
        leaves(&spec, "", &mut want);
        let there = fields.iter().filter(|field| !field.removed);
        let got: Vec<(String, Value)> = there
            .map(|field| (field.path.clone(), serde_json::from_str(&field.value).unwrap()))
            .collect();
        assert_eq!(got, want, "{name}");
        for field in &fields {
            assert!(is_stated(field.origin.as_ref()), "{name}: {field:?}");
            assert_eq!(field.value.is_empty(), field.removed, "{name}: {field:?}");
            for setting in &field.replaced {
                assert!(is_stated(setting.origin.as_ref()), "{name}: {field:?}");
            }
            assert!(!field.removed || !field.replaced.is_empty(), "{name}: {field:?}");
        }
        explained += 1;
    }
    assert!(explained > 60, "goldens are missing");
}

/// A step that says nothing of what it does has only its name as the origin.
#[tokio::test(flavor = "multi_thread")]
async fn every_step_says_where_what_it_does_comes_from() {
    let mut silent = Vec::new();
    for case in cases("generate") {
        let (fixture, request) = case.generate();
        let Ok(explained) = explain(&fixture, request).await else { continue };
        for field in explained.fields {
            let origins = field.replaced.iter().map(|setting| &setting.origin);
            for origin in origins.chain([&field.origin]).flatten() {
                if let Some(pb::origin::Kind::Rule(rule)) = &origin.kind
                    && rule.description.is_empty()
                {
                    silent.push(format!("{}: {} {}", case.name, field.path, rule.step));
                }
            }
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

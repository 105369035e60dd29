//! An explanation as JSON, with the names of protobuf's.

use crate::api::pb::specd as pb;
use crate::api::pb::specd::origin::Kind;
use crate::commands::generate;
use serde_json::{Value, json};

/// The whole answer.
pub(super) fn response(answer: &pb::ExplainResponse) -> Value {
    json!({
        "generated": answer.generated.as_ref().map(generate::whole),
        "fields": answer.fields.iter().map(field).collect::<Vec<_>>(),
    })
}

/// A field; what is not there is left out.
pub(super) fn field(field: &pb::ExplainedField) -> Value {
    let mut value = setting(&field.value, field.origin.as_ref());
    value["path"] = json!(field.path);
    if !field.replaced.is_empty() {
        let replaced = field.replaced.iter();
        let replaced = replaced.map(|one| setting(&one.value, one.origin.as_ref()));
        value["replaced"] = replaced.collect();
    }
    if field.removed {
        value["removed"] = json!(true);
    }
    value
}

fn setting(value: &str, by: Option<&pb::Origin>) -> Value {
    let mut setting = json!({ "origin": by.map(origin) });
    if !value.is_empty() {
        setting["value"] = json!(value);
    }
    setting
}

fn origin(origin: &pb::Origin) -> Value {
    let mut value = json!({ "text": origin.text });
    let (name, of) = match &origin.kind {
        None => return value,
        Some(Kind::Profile(pb::ProfileOrigin { name, file, line })) => {
            ("profile", json!({"name": name, "file": file, "line": line}))
        }
        Some(Kind::ImageField(field)) => ("imageField", json!(field)),
        Some(Kind::OptionField(field)) => ("optionField", json!(field)),
        Some(Kind::Rule(pb::RuleOrigin { step, description })) => {
            ("rule", json!({"step": step, "description": description}))
        }
        Some(Kind::Account(pb::AccountOrigin { asked, file, line })) => {
            ("account", json!({"asked": asked, "file": file, "line": line}))
        }
        Some(Kind::HostFact(fact)) => ("hostFact", json!(fact)),
        Some(Kind::MergePatch(pointer)) => ("mergePatch", json!(pointer)),
    };
    value[name] = of;
    value
}

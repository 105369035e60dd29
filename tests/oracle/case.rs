//! A case: an image, its account files, a container's names and options; as a question to Go's client and
//! as a request to ours.

use crate::options::{Chosen, TABLE};
use crate::support::service::IMAGE;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;
use specd::api::pb::specd as pb;
use std::fmt;

/// The platform that every case is for.
pub(crate) const ARCHITECTURE: &str = "amd64";

/// What both sides are asked.
#[derive(Clone, Default)]
pub(crate) struct Case {
    pub(crate) config: Vec<u8>,
    pub(crate) passwd: Option<Vec<u8>>,
    pub(crate) group: Option<Vec<u8>>,
    pub(crate) namespace: String,
    pub(crate) id: String,
    pub(crate) options: Vec<Chosen>,
}

/// An option of `pkg/oci` and what it is given.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Op {
    pub(crate) op: &'static str,
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(crate) args: Value,
}

impl Op {
    pub(crate) fn new(op: &'static str, args: impl Into<Value>) -> Self {
        Self { op, args: args.into() }
    }
}

/// A case as the program in Go reads it.
#[derive(Serialize)]
pub(crate) struct Question {
    config64: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    passwd64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group64: Option<String>,
    namespace: String,
    id: String,
    platform: String,
    ops: Vec<Op>,
}

impl Case {
    pub(crate) fn question(&self) -> Question {
        let mut ops = vec![Op::new("image", Value::Null)];
        for chosen in &self.options {
            (TABLE[chosen.row].ops)(&chosen.value, &mut ops);
        }
        let encode = |bytes: &Vec<u8>| STANDARD.encode(bytes);
        Question {
            config64: encode(&self.config),
            passwd64: self.passwd.as_ref().map(encode),
            group64: self.group.as_ref().map(encode),
            namespace: self.namespace.clone(),
            id: self.id.clone(),
            platform: format!("linux/{ARCHITECTURE}"),
            ops,
        }
    }

    #[allow(clippy::needless_update, reason = "a request may get more fields than a case has")]
    pub(crate) fn request(&self, profile: &str) -> pb::GenerateRequest {
        let mut options = pb::SpecOptions::default();
        for chosen in &self.options {
            (TABLE[chosen.row].pb)(&chosen.value, &mut options);
        }
        pb::GenerateRequest {
            image: IMAGE.to_owned(),
            namespace: self.namespace.clone(),
            id: self.id.clone(),
            profile: profile.to_owned(),
            platform: Some(pb::Platform {
                os: "linux".to_owned(),
                architecture: ARCHITECTURE.to_owned(),
                ..Default::default()
            }),
            options: Some(options.into()),
            ..Default::default()
        }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| {
            let short: String = bytes.escape_ascii().to_string().replace("\\\"", "\"");
            let (kept, more) = short.split_at(short.len().min(1000));
            if more.is_empty() { short } else { format!("{kept}... and {} bytes", more.len()) }
        };
        writeln!(f, "  config: {}", text(&self.config))?;
        for (name, file) in [("passwd", &self.passwd), ("group", &self.group)] {
            if let Some(file) = file {
                writeln!(f, "  {name}: {}", text(file))?;
            }
        }
        write!(f, "  namespace {:?}, id {:?}", self.namespace, self.id)?;
        for chosen in &self.options {
            write!(f, "\n  {}: {}", TABLE[chosen.row].name, chosen.value)?;
        }
        Ok(())
    }
}

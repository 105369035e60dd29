//! From an explanation to its message.

use crate::domain::origin::{Field, Origin, Setting};
use crate::generate::explain::Explained;
use crate::pb::specd as pb;
use crate::pb::specd::origin::Of;
use crate::rpc::to_wire;

/// The answer of Explain.
pub(super) fn explained(explained: Explained) -> pb::ExplainResponse {
    pb::ExplainResponse {
        generated: Some(to_wire::generated(explained.generated)),
        fields: explained.fields.into_iter().map(field).collect(),
    }
}

fn field(field: Field) -> pb::Field {
    let removed = field.now.value.is_none();
    let pb::Setting { value, origin } = setting(field.now);
    let replaced = field.before.into_iter().map(setting).collect();
    pb::Field { path: field.path, value, origin, replaced, removed }
}

fn setting(setting: Setting) -> pb::Setting {
    pb::Setting { value: setting.value.unwrap_or_default(), origin: Some(origin(setting.by)) }
}

fn origin(origin: Origin) -> pb::Origin {
    let text = origin.to_string();
    let line = |line: usize| u32::try_from(line).unwrap_or(u32::MAX);
    let of = match origin {
        Origin::Profile { name, file, line: at } => {
            Of::Profile(pb::ProfileOrigin { name, file, line: line(at) })
        }
        Origin::Image(field) => Of::ImageField(field),
        Origin::Option(field) => Of::OptionField(field),
        Origin::Rule { step, text } => {
            Of::Rule(pb::RuleOrigin { step: step.to_owned(), description: text })
        }
        Origin::Account { asked, file, line: at } => {
            Of::Account(pb::AccountOrigin { asked, file: file.to_owned(), line: line(at) })
        }
        Origin::Host(fact) => Of::HostFact(fact),
        Origin::MergePatch(pointer) => Of::MergePatch(pointer),
    };
    pb::Origin { text, of: Some(of) }
}

//! `docs/api.md`: every method, message and enum of the API with its comments, written from the descriptors.

use prost_reflect::{
    Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor, FileDescriptor, Kind,
    MessageDescriptor,
};
use specd::api::pb::specd::DESCRIPTORS;
use std::fmt::Write;

/// The types in the order in which a reader meets them: those of a message's fields follow the message.
#[derive(Default)]
struct Reference {
    messages: Vec<MessageDescriptor>,
    enums: Vec<EnumDescriptor>,
}

impl Reference {
    fn add(&mut self, message: &MessageDescriptor) {
        if message.package_name() != "specd.v1" || self.messages.contains(message) {
            return;
        }
        self.messages.push(message.clone());
        for field in message.fields() {
            let kind = field.kind();
            let kind = match kind.as_message() {
                Some(entry) if field.is_map() => entry.map_entry_value_field().kind(),
                _ => kind,
            };
            if let Some(inner) = kind.as_message() {
                self.add(inner);
            }
            if let Some(values) = kind.as_enum()
                && !self.enums.contains(values)
            {
                self.enums.push(values.clone());
            }
        }
    }
}

/// The comment above a definition, by its path in the descriptor of the file.
fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let source = file.file_descriptor_proto().source_code_info.as_ref().unwrap();
    let found = source.location.iter().find(|location| location.path == path);
    let text = found.map(|location| location.leading_comments()).unwrap_or_default();
    assert!(!text.trim().is_empty(), "{}: no comment at {path:?}", file.name());
    text.lines().map(str::trim).collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// The comment on one line, as a cell of a table.
fn cell(text: &str) -> String {
    text.replace("\n\n", "<br>").replace('\n', " ").replace('|', "\\|")
}

fn link(name: &str) -> String {
    format!("[{name}](#{})", name.to_lowercase())
}

fn type_of(kind: &Kind) -> String {
    match (kind.as_message(), kind.as_enum()) {
        (Some(message), _) if message.package_name() == "specd.v1" => link(message.name()),
        (Some(message), _) => format!("`{}`", message.full_name()),
        (_, Some(values)) => link(values.name()),
        _ => format!("`{kind:?}`"),
    }
}

fn type_of_field(field: &FieldDescriptor) -> String {
    if let (Kind::Message(entry), true) = (field.kind(), field.is_map()) {
        let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
        return format!("map of {} to {}", type_of(&key.kind()), type_of(&value.kind()));
    }
    let name = type_of(&field.kind());
    let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
    match (field.cardinality(), oneof) {
        (Cardinality::Repeated, _) => format!("list of {name}"),
        (_, Some(oneof)) => format!("{name}, one of `{}`", oneof.name()),
        _ if field.supports_presence() && !matches!(field.kind(), Kind::Message(_)) => {
            format!("optional {name}")
        }
        _ => name,
    }
}

fn message(message: &MessageDescriptor, text: &mut String) {
    let file = message.parent_file();
    writeln!(text, "## {}\n\n{}\n", message.name(), comment(&file, message.path())).unwrap();
    if message.fields().len() == 0 {
        return;
    }
    text.push_str("| field | type | meaning |\n|---|---|---|\n");
    // In the order of the file, not of the numbers.
    for field in &message.descriptor_proto().field {
        let field = message.get_field_by_name(field.name()).unwrap();
        let meaning = cell(&comment(&file, field.path()));
        writeln!(text, "| `{}` | {} | {meaning} |", field.name(), type_of_field(&field)).unwrap();
    }
    text.push('\n');
}

fn values(values: &EnumDescriptor, text: &mut String) {
    let file = values.parent_file();
    writeln!(text, "## {}\n\n{}\n", values.name(), comment(&file, values.path())).unwrap();
    text.push_str("| value | meaning |\n|---|---|\n");
    for value in values.values() {
        let meaning = cell(&comment(&file, value.path()));
        writeln!(text, "| `{}` | {meaning} |", value.name()).unwrap();
    }
    text.push('\n');
}

#[test]
fn the_reference_is_that_of_the_protos() {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let service = pool.get_service_by_name("specd.v1.SpecService").unwrap();
    let mut reference = Reference::default();
    let file = service.parent_file();
    let mut text = format!("\n{}\n\n", comment(&file, service.path()));
    text.push_str("| method | request | response | meaning |\n|---|---|---|---|\n");
    for method in service.methods() {
        let (input, output) = (method.input(), method.output());
        let meaning = cell(&comment(&file, method.path()));
        let (from, to) = (link(input.name()), link(output.name()));
        writeln!(text, "| `{}` | {from} | {to} | {meaning} |", method.name()).unwrap();
        reference.add(&input);
        reference.add(&output);
    }
    text.push('\n');
    reference.messages.iter().for_each(|one| message(one, &mut text));
    reference.enums.iter().for_each(|one| values(one, &mut text));

    let all = pool.all_messages().filter(|one| one.package_name() == "specd.v1");
    assert_eq!(all.filter(|one| !one.is_map_entry()).count(), reference.messages.len());
    super::compare("docs/api.md", "api", &text);
}

//! From the tree to the list of fields that is answered.

use crate::domain::origin::Field;
use crate::spec::provenance::leaf::Leaf;
use crate::spec::provenance::tree::{Node, inside};
use serde_json::Value;

/// Every leaf in the order of the finished spec; removed ones come after what is left beside them. Nothing if their texts
/// have more than so many bytes.
pub(super) fn list(root: &Node, finished: &Value, most_bytes: usize) -> Option<Vec<Field>> {
    let mut listed = Listed { fields: Vec::new(), room: most_bytes };
    walk(root, "", Some(finished), &mut listed)?;
    Some(listed.fields)
}

struct Listed {
    fields: Vec<Field>,
    /// How many more bytes there may be.
    room: usize,
}

impl Listed {
    fn add(&mut self, pointer: &str, leaf: &Leaf) -> Option<()> {
        let field =
            Field { path: pointer.to_owned(), now: leaf.now(), before: leaf.before.clone() };
        let values = field.before.iter().chain([&field.now]);
        let values: usize = values.map(|one| one.value.as_ref().map_or(0, String::len)).sum();
        self.room = self.room.checked_sub(field.path.len() + values)?;
        self.fields.push(field);
        Some(())
    }
}

fn walk(node: &Node, pointer: &str, value: Option<&Value>, listed: &mut Listed) -> Option<()> {
    if let Some(leaf) = &node.leaf {
        listed.add(pointer, leaf)?;
    }
    let object = value.and_then(Value::as_object);
    for (key, value) in object.into_iter().flatten() {
        if let Some(member) = node.members.get(key) {
            walk(member, &inside(pointer, key), Some(value), listed)?;
        }
    }
    for (index, item) in node.items.iter().enumerate() {
        let value = value.and_then(|value| value.get(index));
        walk(item, &inside(pointer, &index.to_string()), value, listed)?;
    }
    for (key, member) in &node.members {
        if !object.is_some_and(|object| object.contains_key(key)) {
            walk(member, &inside(pointer, key), None, listed)?;
        }
    }
    for lost in &node.lost {
        walk(&lost.node, &inside(pointer, &lost.index.to_string()), None, listed)?;
    }
    Some(())
}

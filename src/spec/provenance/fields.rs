//! From the tree to the list of fields that is answered.

use crate::domain::origin::Field;
use crate::spec::provenance::leaf::Leaf;
use crate::spec::provenance::tree::{Node, inside};
use serde_json::Value;

/// Every leaf in the order of the finished spec; removed ones come after what is left beside them.
pub(super) fn list(root: &Node, finished: &Value) -> Vec<Field> {
    let mut fields = Vec::new();
    walk(root, "", Some(finished), &mut fields);
    fields
}

fn walk(node: &Node, pointer: &str, value: Option<&Value>, fields: &mut Vec<Field>) {
    fields.extend(node.leaf.as_ref().map(|leaf| field(pointer, leaf)));
    let object = value.and_then(Value::as_object);
    for (key, value) in object.into_iter().flatten() {
        if let Some(member) = node.members.get(key) {
            walk(member, &inside(pointer, key), Some(value), fields);
        }
    }
    for (index, item) in node.items.iter().enumerate() {
        let value = value.and_then(|value| value.get(index));
        walk(item, &inside(pointer, &index.to_string()), value, fields);
    }
    for (key, member) in &node.members {
        if !object.is_some_and(|object| object.contains_key(key)) {
            walk(member, &inside(pointer, key), None, fields);
        }
    }
    for lost in &node.lost {
        walk(&lost.node, &inside(pointer, &lost.index.to_string()), None, fields);
    }
}

fn field(pointer: &str, leaf: &Leaf) -> Field {
    Field { path: pointer.to_owned(), now: leaf.now(), before: leaf.before.clone() }
}

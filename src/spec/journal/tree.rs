//! A spec as a tree whose leaves know their past.

use crate::spec::journal::leaf::Leaf;
use crate::spec::journal::{Change, Said, Says, lists};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A place in a spec: a leaf, an object or a list; and what it was before that is gone.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// Where it is or was a leaf.
    pub(super) leaf: Option<Leaf>,
    /// The members of the object, those that are gone among them.
    pub(super) members: BTreeMap<String, Node>,
    /// The elements of the list.
    pub(super) items: Vec<Node>,
    /// The elements that the list has no longer.
    pub(super) lost: Vec<Lost>,
}

/// An element that is gone.
#[derive(Debug, Clone)]
pub(super) struct Lost {
    /// Its position, when it was last there.
    pub(super) index: usize,
    /// By what another would be known as the same.
    key: Option<String>,
    /// Itself.
    pub(super) node: Node,
}

impl Node {
    /// What stands here; nothing where all is gone.
    pub(super) fn value(&self) -> Option<Value> {
        if let Some(value) = self.leaf.as_ref().and_then(|leaf| leaf.value.clone()) {
            return Some(value);
        }
        if !self.items.is_empty() {
            return Some(self.items.iter().filter_map(Self::value).collect());
        }
        let members = self.members.iter();
        let members: Map<String, Value> =
            members.filter_map(|(key, node)| Some((key.clone(), node.value()?))).collect();
        (!members.is_empty()).then(|| members.into())
    }

    /// Makes this place what a value is, and notes what of it is new.
    pub(super) fn settle(&mut self, pointer: &str, value: &Value, says: Says<'_>, of_all: &Said) {
        let own = says(&Change { pointer, value, gone: false });
        let said = own.as_ref().unwrap_or(of_all);
        match value {
            Value::Object(object) if !object.is_empty() => {
                self.is_no_leaf(said);
                self.lose_items(pointer, says, said);
                self.settle_object(pointer, object, says, said);
            }
            Value::Array(list) if !list.is_empty() => {
                self.is_no_leaf(said);
                self.lose_members(pointer, None, says, said);
                self.settle_list(pointer, list, says, said);
            }
            Value::Array(_)
            | Value::Bool(_)
            | Value::Null
            | Value::Number(_)
            | Value::Object(_)
            | Value::String(_) => {
                self.lose_items(pointer, says, said);
                self.lose_members(pointer, None, says, said);
                match &mut self.leaf {
                    Some(leaf) => leaf.set(Some(value), said),
                    None => self.leaf = Some(Leaf::new(value.clone(), said.origin().clone())),
                }
            }
        }
    }

    /// The same, where it is known what this place is: of what has not changed nobody is asked.
    pub(super) fn settle_changed(&mut self, pointer: &str, old: &Value, new: &Value, said: &Said) {
        if old == new {
            return;
        }
        let says: Says<'_> = &|_| None;
        match (old, new) {
            (Value::Object(before), Value::Object(object))
                if !before.is_empty() && !object.is_empty() =>
            {
                self.lose_members(pointer, Some(object), says, said);
                for (key, value) in object {
                    let (node, pointer) = (self.members.entry(key.clone()), inside(pointer, key));
                    match before.get(key) {
                        Some(old) => node.or_default().settle_changed(&pointer, old, value, said),
                        None => node.or_default().settle(&pointer, value, says, said),
                    }
                }
            }
            _ => self.settle(pointer, new, says, said),
        }
    }

    fn settle_object(
        &mut self,
        pointer: &str,
        object: &Map<String, Value>,
        says: Says<'_>,
        said: &Said,
    ) {
        self.lose_members(pointer, Some(object), says, said);
        for (key, value) in object {
            let node = self.members.entry(key.clone()).or_default();
            node.settle(&inside(pointer, key), value, says, said);
        }
    }

    fn settle_list(&mut self, pointer: &str, list: &[Value], says: Says<'_>, said: &Said) {
        let old: Vec<Value> = self.items.iter().filter_map(Self::value).collect();
        let same = lists::pairs(pointer, &old, list);
        let mut items: Vec<Option<Self>> =
            std::mem::take(&mut self.items).into_iter().map(Some).collect();
        for (index, value) in list.iter().enumerate() {
            let kept = same[index].and_then(|from| items.get_mut(from).and_then(Option::take));
            let mut node = kept.or_else(|| self.found_again(pointer, value)).unwrap_or_default();
            node.settle(&inside(pointer, &index.to_string()), value, says, said);
            self.items.push(node);
        }
        for (index, node) in items.into_iter().enumerate() {
            if let Some(node) = node {
                self.lose(pointer, index, node, says, said);
            }
        }
    }

    /// The element that a list had before and has again.
    fn found_again(&mut self, pointer: &str, value: &Value) -> Option<Self> {
        let key = lists::key(pointer, value)?;
        let at = self.lost.iter().position(|lost| lost.key.as_ref() == Some(&key))?;
        Some(self.lost.remove(at).node)
    }

    /// A list or an object is here now. An empty one that gets something in it is not gone.
    fn is_no_leaf(&mut self, said: &Said) {
        let value = self.leaf.as_ref().and_then(|leaf| leaf.value.as_ref());
        match value {
            None => {}
            Some(Value::Array(_) | Value::Object(_)) => self.leaf = None,
            Some(_) => self.leaf.iter_mut().for_each(|leaf| leaf.set(None, said)),
        }
    }

    /// The members are gone, but for those that an object has.
    fn lose_members(
        &mut self,
        pointer: &str,
        kept: Option<&Map<String, Value>>,
        says: Says<'_>,
        said: &Said,
    ) {
        for (key, node) in &mut self.members {
            if !kept.is_some_and(|object| object.contains_key(key)) {
                node.is_gone(&inside(pointer, key), says, said);
            }
        }
    }

    fn lose_items(&mut self, pointer: &str, says: Says<'_>, said: &Said) {
        for (index, node) in std::mem::take(&mut self.items).into_iter().enumerate() {
            self.lose(pointer, index, node, says, said);
        }
    }

    fn lose(&mut self, pointer: &str, index: usize, mut node: Self, says: Says<'_>, said: &Said) {
        let key = node.value().and_then(|value| lists::key(pointer, &value));
        node.is_gone(&inside(pointer, &index.to_string()), says, said);
        self.lost.push(Lost { index, key, node });
    }

    fn is_gone(&mut self, pointer: &str, says: Says<'_>, of_all: &Said) {
        let Some(value) = self.value() else { return };
        let own = says(&Change { pointer, value: &value, gone: true });
        let said = own.as_ref().unwrap_or(of_all);
        if let Some(leaf) = self.leaf.as_mut().filter(|leaf| leaf.value.is_some()) {
            leaf.set(None, said);
        }
        self.lose_items(pointer, says, said);
        self.lose_members(pointer, None, says, said);
    }

    /// The place at a pointer, through objects. An empty object on the way is about to be none.
    pub(super) fn at(&mut self, pointer: &str) -> &mut Self {
        let mut node = self;
        for key in pointer.split('/').skip(1) {
            let is_empty = |leaf: &mut Leaf| leaf.value.as_ref().is_some_and(Value::is_object);
            node.leaf.take_if(is_empty);
            node = node.members.entry(key.replace("~1", "/").replace("~0", "~")).or_default();
        }
        node
    }

    /// Makes the list of leaves at a pointer another one.
    pub(super) fn remake(&mut self, pointer: &str, make: impl FnOnce(Vec<Leaf>) -> Vec<Leaf>) {
        let node = self.at(pointer);
        let old = std::mem::take(&mut node.items).into_iter().filter_map(|item| item.leaf);
        for leaf in make(old.collect()) {
            let gone = leaf.value.is_none();
            let item = Self { leaf: Some(leaf), ..Self::default() };
            if gone {
                node.lost.push(Lost { index: node.items.len(), key: None, node: item });
            } else {
                node.items.push(item);
            }
        }
    }
}

/// The pointer of a member or an element.
pub(super) fn inside(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

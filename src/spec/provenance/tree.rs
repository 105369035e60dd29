//! A spec as a tree. Its leaves know their past values.

use crate::domain::origin::Origin;
use crate::oci::Step;
use crate::spec::provenance::leaf::Leaf;
use crate::spec::provenance::{Attribute, Attribution, Change, lists};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A place in a spec: a leaf, an object or a list; with the values that were removed from it.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// Where it is or was a leaf.
    pub(super) leaf: Option<Leaf>,
    /// The members of the object, removed ones included.
    pub(super) members: BTreeMap<String, Node>,
    /// The elements of the list.
    pub(super) items: Vec<Node>,
    /// The elements that were removed from the list.
    pub(super) lost: Vec<Lost>,
}

/// A removed element.
#[derive(Debug, Clone)]
pub(super) struct Lost {
    /// Its position, when it was last there.
    pub(super) index: usize,
    /// The key by which the element is found again.
    key: Option<String>,
    /// Itself.
    pub(super) node: Node,
}

impl Node {
    /// The value; nothing where all of it was removed.
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

    /// Sets this place to a value, and records what of it is new.
    pub(super) fn settle(
        &mut self,
        pointer: &str,
        value: &Value,
        attribute: Attribute<'_>,
        of_all: &Attribution,
    ) {
        let own = attribute(&Change { pointer, value, gone: false });
        let attribution = own.as_ref().unwrap_or(of_all);
        match value {
            Value::Object(object) if !object.is_empty() => {
                self.remove_leaf(attribution);
                self.lose_items(pointer, attribute, attribution);
                self.settle_object(pointer, object, attribute, attribution);
            }
            Value::Array(list) if !list.is_empty() => {
                self.remove_leaf(attribution);
                self.lose_members(pointer, None, attribute, attribution);
                self.settle_list(pointer, list, attribute, attribution);
            }
            Value::Array(_)
            | Value::Bool(_)
            | Value::Null
            | Value::Number(_)
            | Value::Object(_)
            | Value::String(_) => {
                self.lose_items(pointer, attribute, attribution);
                self.lose_members(pointer, None, attribute, attribution);
                match &mut self.leaf {
                    Some(leaf) => leaf.set(Some(value), attribution),
                    None => {
                        self.leaf = Some(Leaf::new(value.clone(), attribution.origin().clone()));
                    }
                }
            }
        }
    }

    /// The same, where the old value is known: only changes are attributed.
    pub(super) fn settle_changed(
        &mut self,
        pointer: &str,
        old: &Value,
        new: &Value,
        attribution: &Attribution,
    ) {
        if old == new {
            return;
        }
        let attribute: Attribute<'_> = &|_| None;
        match (old, new) {
            (Value::Object(before), Value::Object(object))
                if !before.is_empty() && !object.is_empty() =>
            {
                self.lose_members(pointer, Some(object), attribute, attribution);
                for (key, value) in object {
                    let (node, pointer) = (self.members.entry(key.clone()), inside(pointer, key));
                    match before.get(key) {
                        Some(old) => {
                            node.or_default().settle_changed(&pointer, old, value, attribution);
                        }
                        None => node.or_default().settle(&pointer, value, attribute, attribution),
                    }
                }
            }
            _ => self.settle(pointer, new, attribute, attribution),
        }
    }

    fn settle_object(
        &mut self,
        pointer: &str,
        object: &Map<String, Value>,
        attribute: Attribute<'_>,
        attribution: &Attribution,
    ) {
        self.lose_members(pointer, Some(object), attribute, attribution);
        for (key, value) in object {
            let node = self.members.entry(key.clone()).or_default();
            node.settle(&inside(pointer, key), value, attribute, attribution);
        }
    }

    fn settle_list(
        &mut self,
        pointer: &str,
        list: &[Value],
        attribute: Attribute<'_>,
        attribution: &Attribution,
    ) {
        let old: Vec<Value> = self.items.iter().filter_map(Self::value).collect();
        let same = lists::pairs(pointer, &old, list);
        let mut items: Vec<Option<Self>> =
            std::mem::take(&mut self.items).into_iter().map(Some).collect();
        for (index, value) in list.iter().enumerate() {
            let kept = same[index].and_then(|from| items.get_mut(from).and_then(Option::take));
            let mut node = kept.or_else(|| self.found_again(pointer, value)).unwrap_or_default();
            node.settle(&inside(pointer, &index.to_string()), value, attribute, attribution);
            self.items.push(node);
        }
        for (index, node) in items.into_iter().enumerate() {
            if let Some(node) = node {
                self.lose(pointer, index, node, attribute, attribution);
            }
        }
    }

    /// A removed element that the list has again.
    fn found_again(&mut self, pointer: &str, value: &Value) -> Option<Self> {
        let key = lists::key(pointer, value)?;
        let at = self.lost.iter().position(|lost| lost.key.as_ref() == Some(&key))?;
        Some(self.lost.remove(at).node)
    }

    /// The place is a list or an object now. An empty one that gets something in it was not removed.
    fn remove_leaf(&mut self, attribution: &Attribution) {
        let value = self.leaf.as_ref().and_then(|leaf| leaf.value.as_ref());
        match value {
            None => {}
            Some(Value::Array(_) | Value::Object(_)) => self.leaf = None,
            Some(_) => self.leaf.iter_mut().for_each(|leaf| leaf.set(None, attribution)),
        }
    }

    /// Removes the members, apart from those that an object has.
    fn lose_members(
        &mut self,
        pointer: &str,
        kept: Option<&Map<String, Value>>,
        attribute: Attribute<'_>,
        attribution: &Attribution,
    ) {
        for (key, node) in &mut self.members {
            if !kept.is_some_and(|object| object.contains_key(key)) {
                node.remove(&inside(pointer, key), attribute, attribution);
            }
        }
    }

    fn lose_items(&mut self, pointer: &str, attribute: Attribute<'_>, attribution: &Attribution) {
        for (index, node) in std::mem::take(&mut self.items).into_iter().enumerate() {
            self.lose(pointer, index, node, attribute, attribution);
        }
    }

    fn lose(
        &mut self,
        pointer: &str,
        index: usize,
        mut node: Self,
        attribute: Attribute<'_>,
        attribution: &Attribution,
    ) {
        let key = node.value().and_then(|value| lists::key(pointer, &value));
        node.remove(&inside(pointer, &index.to_string()), attribute, attribution);
        self.lost.push(Lost { index, key, node });
    }

    fn remove(&mut self, pointer: &str, attribute: Attribute<'_>, of_all: &Attribution) {
        let Some(value) = self.value() else { return };
        let own = attribute(&Change { pointer, value: &value, gone: true });
        let attribution = own.as_ref().unwrap_or(of_all);
        if let Some(leaf) = self.leaf.as_mut().filter(|leaf| leaf.value.is_some()) {
            leaf.set(None, attribution);
        }
        self.lose_items(pointer, attribute, attribution);
        self.lose_members(pointer, None, attribute, attribution);
    }

    /// The place at a pointer, through objects. An empty object on the way is about to get a member.
    pub(super) fn at(&mut self, pointer: &str) -> &mut Self {
        let mut node = self;
        for key in pointer.split('/').skip(1) {
            let is_empty = |leaf: &mut Leaf| leaf.value.as_ref().is_some_and(Value::is_object);
            node.leaf.take_if(is_empty);
            node = node.members.entry(key.replace("~1", "/").replace("~0", "~")).or_default();
        }
        node
    }

    /// The node one step further in. A key leads into a list to the element that is known by it.
    pub(super) fn step(&self, step: &Step) -> Option<&Self> {
        match step {
            Step::Index(index) => self.items.get(*index),
            Step::Key(key) => {
                let kind = |item: &&Self| {
                    let kind = item.members.get("type").and_then(|kind| kind.leaf.as_ref());
                    kind.is_some_and(|leaf| leaf.value.as_ref().is_some_and(|value| value == key))
                };
                let lost = || self.lost.iter().find(|lost| lost.key.as_ref() == Some(key));
                self.members
                    .get(key)
                    .or_else(|| self.items.iter().find(kind))
                    .or_else(|| lost().map(|lost| &lost.node))
            }
        }
    }

    /// Adds the origin of each leaf, those of removed elements first.
    pub(super) fn collect_origins<'a>(&'a self, origins: &mut Vec<&'a Origin>) {
        self.lost.iter().for_each(|lost| lost.node.collect_origins(origins));
        origins.extend(self.leaf.as_ref().map(|leaf| &leaf.by));
        self.members.values().for_each(|member| member.collect_origins(origins));
        self.items.iter().for_each(|item| item.collect_origins(origins));
    }

    /// Makes the list of leaves at a pointer another one.
    pub(super) fn rebuild_list(
        &mut self,
        pointer: &str,
        make: impl FnOnce(Vec<Leaf>) -> Vec<Leaf>,
    ) {
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

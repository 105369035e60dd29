//! Provenance: for each leaf of the spec who set it, and what it was before.
//!
//! It is recorded only where it is asked for. The steps say where what they set comes from; the recording
//! compares the spec with what it was before, leaf by leaf, and so knows no rule of the assembly.
//!
//! Invariant: recording changes nothing in a spec, and every leaf in it has an origin.

pub(super) mod compare;
mod fields;
mod leaf;
mod lists;
mod recording;
mod tree;

#[cfg(test)]
mod tests;

pub(crate) use leaf::Leaf;

use crate::domain::origin::{Field, Origin};
use crate::oci::{self, Place};
use serde_json::Value;
use tree::Node;

/// A place that an origin is wanted for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    /// Where: a JSON pointer; for a removed value the one that it had.
    pub(crate) pointer: &'a str,
    /// The value, or the removed value: a leaf, or a list or object with everything in it.
    pub(crate) value: &'a Value,
    /// Whether the value was removed.
    pub(crate) gone: bool,
}

impl Change<'_> {
    /// The position, if this is a present element of the list at a pointer.
    pub(crate) fn index_in(&self, list: &str) -> Option<usize> {
        let index = self.pointer.strip_prefix(list)?.strip_prefix('/')?;
        index.parse().ok().filter(|_| !self.gone)
    }

    /// The key or position, if this is in the object or list at a pointer, present or removed.
    pub(crate) fn key_in(&self, parent: &str) -> Option<String> {
        let key = self.pointer.strip_prefix(parent)?.strip_prefix('/')?;
        (!key.contains('/')).then(|| key.replace("~1", "/").replace("~0", "~"))
    }
}

/// The origin of a place, and of everything inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attribution {
    /// It was set, to another value than before or to the same.
    Set(Origin),
    /// If it differs from before, this is why.
    Changed(Origin),
}

impl Attribution {
    fn origin(&self) -> &Origin {
        match self {
            Self::Set(origin) | Self::Changed(origin) => origin,
        }
    }
}

/// Attributes place by place; nothing means the attribution of the enclosing place.
type Attribute<'a> = &'a dyn Fn(&Change<'_>) -> Option<Attribution>;

/// Attributes what a merge patch on the object at a pointer sets or removes.
pub(crate) fn patched(
    root: &'static str,
    patch: Value,
    origin: impl Fn(&str) -> Origin,
) -> impl Fn(&Change<'_>) -> Option<Attribution> {
    move |change| {
        let inside = change.pointer.strip_prefix(root)?;
        let value = patch.pointer(inside)?;
        if value.is_object() {
            return Some(Attribution::Changed(origin(inside)));
        }
        // Go leaves an empty value out, so a patch removes with it too.
        let empty = [Value::Null, false.into(), 0.into(), "".into(), Value::Array(Vec::new())];
        let removes = empty.contains(value);
        (!change.gone || removes).then(|| Attribution::Set(origin(inside)))
    }
}

/// What happened to a spec so far.
#[derive(Debug, Clone)]
pub(crate) struct Provenance {
    step: &'static str,
    state: Value,
    root: Node,
}

impl Provenance {
    /// An empty recording.
    pub(crate) fn new() -> Self {
        Self { step: "profile", state: Value::Null, root: Node::default() }
    }

    /// A recording of a stored spec, all of which was there before.
    pub(crate) fn of_stored(spec: &oci::Spec) -> Result<Self, serde_json::Error> {
        let mut provenance = Self { step: "stored", ..Self::new() };
        provenance.attribute_changes(serde_json::to_value(spec)?, None);
        Ok(provenance)
    }

    /// Records the state of the spec. What changed is attributed to an origin, or else to the step.
    pub(crate) fn attribute_changes(&mut self, state: Value, origin: Option<Origin>) {
        let attribution =
            Attribution::Changed(origin.unwrap_or_else(|| Origin::rule(self.step, "")));
        self.root.settle_changed("", &self.state, &state, &attribution);
        self.state = state;
    }

    /// Records the state of the spec after a merge patch, which has an origin for each of its places.
    pub(crate) fn attribute_patch(
        &mut self,
        state: Value,
        patch: Value,
        origin: impl Fn(&str) -> Origin,
    ) {
        let attribute = patched("", patch, origin);
        self.attribute_place("", Some(state), &attribute);
    }

    /// Records the value of a place, and attributes it part by part, or else to the step. Other places are left
    /// alone.
    pub(crate) fn attribute_place(
        &mut self,
        pointer: &str,
        value: Option<Value>,
        attribute: Attribute<'_>,
    ) {
        let step = Attribution::Changed(Origin::rule(self.step, ""));
        match (pointer.rsplit_once('/'), value) {
            (None, Some(state)) => {
                self.root.settle("", &state, attribute, &step);
                self.state = state;
            }
            (Some((parent, key)), value) => {
                let parent = self.state.pointer_mut(parent).and_then(Value::as_object_mut);
                let Some(parent) = parent else { return };
                if let Some(value) = value {
                    self.root.at(pointer).settle(pointer, &value, attribute, &step);
                    parent.insert(key.to_owned(), value);
                } else if parent.shift_remove(key).is_some() {
                    self.root.settle("", &self.state, attribute, &step);
                }
            }
            (None, None) => {}
        }
    }

    /// Records how a step built a list out of its previous elements and others.
    pub(crate) fn rebuild_list(
        &mut self,
        pointer: &str,
        make: impl FnOnce(Vec<Leaf>) -> Vec<Leaf>,
    ) {
        self.root.rebuild_list(pointer, make);
        let made = self.root.at(pointer).value().unwrap_or_default();
        if let Some((parent, key)) = pointer.rsplit_once('/')
            && let Some(parent) = self.state.pointer_mut(parent).and_then(Value::as_object_mut)
        {
            parent.insert(key.to_owned(), made);
        }
    }

    /// Every leaf of the finished spec in order, and the removed ones; nothing if their texts have more bytes than that.
    pub(crate) fn fields(&self, finished: &Value, most_bytes: usize) -> Option<Vec<Field>> {
        fields::list(&self.root, finished, most_bytes)
    }

    /// The origins of the values that are, or were, at a place or inside it, removed ones first. Where the place
    /// never had a value, those of the enclosing value, if all of it has one origin.
    pub(crate) fn origins_at(&self, place: &Place) -> Vec<&Origin> {
        let (mut node, mut origins) = (&self.root, Vec::new());
        for step in &place.0 {
            match node.step(step) {
                Some(inner) => node = inner,
                None => {
                    node.collect_origins(&mut origins);
                    let first = origins.first().copied();
                    return first
                        .filter(|first| origins.iter().all(|o| o == first))
                        .into_iter()
                        .collect();
                }
            }
        }
        node.collect_origins(&mut origins);
        origins
    }
}

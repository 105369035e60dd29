//! The journal of an assembly: for each leaf of the spec who set it, and what stood there before.
//!
//! It is kept only where it is asked for. The steps say to the draft where what they did comes from; the
//! journal compares the draft with what it was at the last word, leaf by leaf, and so knows no rule of the
//! assembly.
//!
//! Invariant: a journal changes nothing in a draft, and every leaf in it has an origin.

pub(super) mod compare;
mod fields;
mod leaf;
mod lists;
mod telling;
mod tree;

#[cfg(test)]
mod tests;

pub(crate) use leaf::Leaf;

use crate::domain::origin::{Field, Origin, UserOrigins};
use serde_json::Value;
use tree::Node;

/// Something that a journal has to find the origin of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    /// Where: a JSON pointer; for what is gone as it was.
    pub(crate) pointer: &'a str,
    /// What is there, or was, if it is gone: a leaf, or a list or object with all that is in it.
    pub(crate) value: &'a Value,
    /// Whether it is gone.
    pub(crate) gone: bool,
}

impl Change<'_> {
    /// The position, if this is an element of the list at a pointer, and is there.
    pub(crate) fn index_in(&self, list: &str) -> Option<usize> {
        let index = self.pointer.strip_prefix(list)?.strip_prefix('/')?;
        index.parse().ok().filter(|_| !self.gone)
    }

    /// The key or position, if this is in the object or list at a pointer, gone or not.
    pub(crate) fn key_in(&self, parent: &str) -> Option<String> {
        let key = self.pointer.strip_prefix(parent)?.strip_prefix('/')?;
        (!key.contains('/')).then(|| key.replace("~1", "/").replace("~0", "~"))
    }
}

/// What a step says of a place, and with it of all that is inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// It was set to what is there, be it something else than before or the same.
    Set(Origin),
    /// If it is not what it was, this is why.
    Changed(Origin),
}

impl Said {
    fn origin(&self) -> &Origin {
        match self {
            Self::Set(origin) | Self::Changed(origin) => origin,
        }
    }
}

/// What a step says, place by place; nothing means the same as of what it is in.
type Says<'a> = &'a dyn Fn(&Change<'_>) -> Option<Said>;

/// What a merge patch on the object at a pointer says: what it holds it sets, `null` takes away.
pub(crate) fn patched(
    root: &'static str,
    patch: Value,
    origin: impl Fn(&str) -> Origin,
) -> impl Fn(&Change<'_>) -> Option<Said> {
    move |change| {
        let inside = change.pointer.strip_prefix(root)?;
        let value = patch.pointer(inside)?;
        if value.is_object() {
            return Some(Said::Changed(origin(inside)));
        }
        (!change.gone || value.is_null()).then(|| Said::Set(origin(inside)))
    }
}

/// What happened to a draft so far.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    step: &'static str,
    user: Option<UserOrigins>,
    state: Value,
    root: Node,
}

impl Journal {
    /// A journal of nothing yet.
    pub(crate) fn new() -> Self {
        Self { step: "profile", user: None, state: Value::Null, root: Node::default() }
    }

    /// Notes the state of the draft; what is new in it comes from one place, or else from the step.
    pub(crate) fn tell_changes(&mut self, state: Value, origin: Option<Origin>) {
        let said = Said::Changed(origin.unwrap_or_else(|| Origin::rule(self.step, "")));
        self.root.settle_changed("", &self.state, &state, &said);
        self.state = state;
    }

    /// Notes the state of the draft after a merge patch, whose places have an origin each.
    pub(crate) fn tell_patched(
        &mut self,
        state: Value,
        patch: Value,
        origin: impl Fn(&str) -> Origin,
    ) {
        let says = patched("", patch, origin);
        self.tell_place("", Some(state), &says);
    }

    /// Notes what a place is now, or is for a moment, and where each part of it comes from; of what nobody speaks
    /// that is the step. Nothing is noted of other places.
    pub(crate) fn tell_place(&mut self, pointer: &str, value: Option<Value>, says: Says<'_>) {
        let step = Said::Changed(Origin::rule(self.step, ""));
        match (pointer.rsplit_once('/'), value) {
            (None, Some(state)) => {
                self.root.settle("", &state, says, &step);
                self.state = state;
            }
            (Some((parent, key)), value) => {
                let parent = self.state.pointer_mut(parent).and_then(Value::as_object_mut);
                let Some(parent) = parent else { return };
                if let Some(value) = value {
                    self.root.at(pointer).settle(pointer, &value, says, &step);
                    parent.insert(key.to_owned(), value);
                } else if parent.shift_remove(key).is_some() {
                    self.root.settle("", &self.state, says, &step);
                }
            }
            (None, None) => {}
        }
    }

    /// Notes a list as a step made it out of the elements that were there and others.
    pub(crate) fn remake(&mut self, pointer: &str, make: impl FnOnce(Vec<Leaf>) -> Vec<Leaf>) {
        self.root.remake(pointer, make);
        let made = self.root.at(pointer).value().unwrap_or_default();
        if let Some((parent, key)) = pointer.rsplit_once('/')
            && let Some(parent) = self.state.pointer_mut(parent).and_then(Value::as_object_mut)
        {
            parent.insert(key.to_owned(), made);
        }
    }

    /// Every leaf of the finished spec in its order, and those that are gone.
    pub(crate) fn fields(&self, finished: &Value) -> Vec<Field> {
        fields::of(&self.root, finished)
    }
}

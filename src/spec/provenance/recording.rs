//! How a step records where what it sets comes from.
//!
//! Invariant: where nothing is recorded each of these is one branch, and no closure is called.

use crate::domain::origin::{Origin, UserOrigins};
use crate::spec::assembly::Assembly;
use crate::spec::provenance::{Attribution, Change, Leaf, Provenance};
use serde_json::Value;

impl Assembly {
    /// Starts a step. Changes that the step before did not attribute are attributed to that step.
    pub(crate) fn start_step(&mut self, step: &'static str) {
        self.record(|provenance, state| {
            provenance.attribute_changes(state, None);
            provenance.step = step;
        });
    }

    /// Attributes the value at a pointer, part by part, and nothing else.
    ///
    /// The outer closure prepares what the inner one needs; it is called only where provenance is recorded.
    pub(crate) fn attribute<S>(&mut self, pointer: &str, attribute: impl FnOnce() -> S)
    where
        S: Fn(&Change<'_>) -> Option<Attribution>,
    {
        self.record(|provenance, state| {
            provenance.attribute_place(pointer, state.pointer(pointer).cloned(), &attribute());
        });
    }

    /// Attributes everything that has changed since the last attribution.
    pub(crate) fn attribute_changes(&mut self, origin: impl FnOnce() -> Origin) {
        self.record(|provenance, state| provenance.attribute_changes(state, Some(origin())));
    }

    /// Attributes the value at a pointer, whether it is new or the same as before, and nothing else.
    pub(crate) fn attribute_value(&mut self, pointer: &str, origin: impl FnOnce() -> Origin) {
        self.attribute(pointer, || {
            let origin = origin();
            move |change: &Change<'_>| {
                (change.pointer == pointer).then(|| Attribution::Set(origin.clone()))
            }
        });
    }

    fn record(&mut self, record: impl FnOnce(&mut Provenance, Value)) {
        if let Some(provenance) = &mut self.provenance
            && let Ok(state) = serde_json::to_value(&self.spec)
        {
            record(provenance, state);
        }
    }

    /// Records the value that a pointer would have had, if the step did not set another one.
    pub(crate) fn assume_previous(
        &mut self,
        pointer: &str,
        value: impl FnOnce() -> Value,
        attribute: impl Fn(&Change<'_>) -> Option<Attribution>,
    ) {
        if let Some(provenance) = &mut self.provenance {
            provenance.attribute_place(pointer, Some(value()), &attribute);
        }
    }

    /// Records how the list at a pointer was built, out of its previous elements and others.
    pub(crate) fn rebuild_list(
        &mut self,
        pointer: &str,
        build: impl FnOnce(Vec<Leaf>) -> Vec<Leaf>,
    ) {
        if let Some(provenance) = &mut self.provenance {
            provenance.rebuild_list(pointer, build);
        }
    }

    /// Attributes the user to the places that it was resolved from.
    pub(crate) fn attribute_user(&mut self, origins: &UserOrigins) {
        self.attribute("/process/user", || {
            move |change: &Change<'_>| {
                let gid = change.index_in("/process/user/additionalGids");
                let origin = match (change.pointer, gid) {
                    ("/process/user/uid", _) => Some(&origins.uid),
                    ("/process/user/gid", _) => Some(&origins.gid),
                    (_, Some(index)) => origins.additional_gids.get(index),
                    (_, None) => None,
                };
                origin.cloned().map(Attribution::Set)
            }
        });
    }
}

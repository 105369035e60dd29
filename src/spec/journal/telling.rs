//! How a step tells the journal of a draft, if it has one.
//!
//! Invariant: without a journal each of these is one branch, and no closure is called.

use crate::domain::origin::{Field, Origin, UserOrigins};
use crate::spec::draft::Draft;
use crate::spec::encode::whole;
use crate::spec::journal::{Change, Journal, Leaf, Said};
use serde_json::Value;

impl Draft {
    /// Begins a step; what the one before left unexplained is that step's.
    pub(crate) fn begins(&mut self, step: &'static str) {
        self.tell(|journal, state| {
            journal.tell_changes(state, None);
            journal.step = step;
        });
    }

    /// Whether somebody wants to know.
    pub(crate) fn is_explained(&self) -> bool {
        self.journal.is_some()
    }

    /// Says of a place, part by part, where what is there now comes from, and nothing of other places.
    ///
    /// The outer closure makes what the inner one needs, and is called only for a journal.
    pub(crate) fn explain<S>(&mut self, pointer: &str, says: impl FnOnce() -> S)
    where
        S: Fn(&Change<'_>) -> Option<Said>,
    {
        self.tell(|journal, state| {
            journal.tell_place(pointer, state.pointer(pointer).cloned(), &says());
        });
    }

    /// Says where all that has changed since the last word comes from.
    pub(crate) fn by(&mut self, origin: impl FnOnce() -> Origin) {
        self.tell(|journal, state| journal.tell_changes(state, Some(origin())));
    }

    /// Says who set what stands at a pointer, be it new or the same as before, and nothing of other places.
    pub(crate) fn set_by(&mut self, pointer: &str, origin: impl FnOnce() -> Origin) {
        self.explain(pointer, || {
            let origin = origin();
            move |change: &Change<'_>| {
                (change.pointer == pointer).then(|| Said::Set(origin.clone()))
            }
        });
    }

    fn tell(&mut self, tell: impl FnOnce(&mut Journal, Value)) {
        if let Some(mut journal) = self.journal.take() {
            // A draft that is no JSON gives no spec: encoding it will say so.
            if let Ok(state) = whole(self) {
                tell(&mut journal, state);
            }
            self.journal = Some(journal);
        }
    }

    /// Says what stood at a pointer but for what the step is about to put there.
    pub(crate) fn suppose(
        &mut self,
        pointer: &str,
        value: impl FnOnce() -> Value,
        says: impl Fn(&Change<'_>) -> Option<Said>,
    ) {
        if let Some(journal) = &mut self.journal {
            journal.tell_place(pointer, Some(value()), &says);
        }
    }

    /// Says of which elements, those that stood there and others, the list at a pointer was made.
    pub(crate) fn remade(&mut self, pointer: &str, make: impl FnOnce(Vec<Leaf>) -> Vec<Leaf>) {
        if let Some(journal) = &mut self.journal {
            journal.remake(pointer, make);
        }
    }

    /// Keeps a journal from here on, if there is one.
    pub(crate) fn keep_journal(&mut self, journal: Option<Journal>) {
        self.journal = journal.map(Box::new);
    }

    /// Notes where the user comes from, for the step that sets it.
    pub(crate) fn user_is_from(&mut self, origins: UserOrigins) {
        if let Some(journal) = &mut self.journal {
            journal.user = Some(origins);
        }
    }

    /// Says of the user what was noted.
    pub(crate) fn explain_user(&mut self) {
        let origins = self.journal.as_mut().and_then(|journal| journal.user.take());
        self.explain("/process/user", || {
            move |change: &Change<'_>| {
                let origins = origins.as_ref()?;
                let gid = change.index_in("/process/user/additionalGids");
                let origin = match (change.pointer, gid) {
                    ("/process/user/uid", _) => Some(&origins.uid),
                    ("/process/user/gid", _) => Some(&origins.gid),
                    (_, Some(index)) => origins.additional_gids.get(index),
                    (_, None) => None,
                };
                origin.cloned().map(Said::Set)
            }
        });
    }

    /// Ends the journal with the spec that was made of the draft.
    pub(crate) fn told(journal: Option<Box<Journal>>, finished: &Value) -> Vec<Field> {
        let fields = journal.map(|mut journal| {
            journal.tell_changes(finished.clone(), None);
            journal.fields(finished)
        });
        fields.unwrap_or_default()
    }
}

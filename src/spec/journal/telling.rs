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
        self.explain(|| |_: &Change<'_>| None);
        if let Some(journal) = &mut self.journal {
            journal.step = step;
        }
    }

    /// Whether somebody wants to know.
    pub(crate) fn is_explained(&self) -> bool {
        self.journal.is_some()
    }

    /// Says, place by place, where what is there now comes from.
    ///
    /// The outer closure makes what the inner one needs, and is called only for a journal.
    pub(crate) fn explain<S>(&mut self, says: impl FnOnce() -> S)
    where
        S: Fn(&Change<'_>) -> Option<Said>,
    {
        if let Some(mut journal) = self.journal.take() {
            // A draft that is no JSON gives no spec: encoding it will say so.
            if let Ok(state) = whole(self.clone()) {
                journal.tell(state, &says());
            }
            self.journal = Some(journal);
        }
    }

    /// Says where all that has changed since the last word comes from.
    pub(crate) fn by(&mut self, origin: impl FnOnce() -> Origin) {
        self.explain(|| {
            let origin = origin();
            move |_: &Change<'_>| Some(Said::Changed(origin.clone()))
        });
    }

    /// Says who set what stands at a pointer, be it new or the same as before, and nothing of other places.
    pub(crate) fn set_by(&mut self, pointer: &str, origin: impl FnOnce() -> Origin) {
        if let Some(mut journal) = self.journal.take() {
            if let Ok(state) = whole(self.clone()) {
                let origin = origin();
                journal.tell_place(pointer, state.pointer(pointer).cloned(), &|change| {
                    (change.pointer == pointer).then(|| Said::Set(origin.clone()))
                });
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
        self.explain(|| {
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
            journal.tell(finished.clone(), &|_| None);
            journal.fields(finished)
        });
        fields.unwrap_or_default()
    }
}

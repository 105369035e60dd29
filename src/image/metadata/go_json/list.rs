//! A list that behaves like a Go slice into which JSON is read more than once.
//!
//! Go reads each element into the previous one at its place, and a list that became shorter keeps what is
//! after its end for the next time it grows. Only a key that is given twice shows the difference.

/// A list to read JSON into; absent until it is read.
#[derive(Debug, Clone, Default)]
pub struct List<T> {
    /// All elements that were ever read, also after the end.
    stored: Vec<T>,
    /// How many of them count; absent if the list is.
    length: Option<usize>,
}

impl<T: Default> List<T> {
    /// Makes the list absent, for `null`.
    pub fn clear(&mut self) {
        self.stored.clear();
        self.length = None;
    }

    /// The place of an element, with its previous value.
    pub fn slot(&mut self, index: usize) -> &mut T {
        if index >= self.stored.len() {
            self.stored.resize_with(index + 1, T::default);
        }
        &mut self.stored[index]
    }

    /// Ends one read, of so many elements.
    pub fn end(&mut self, length: usize) {
        if length == 0 {
            self.stored.clear();
        }
        self.length = Some(length);
    }

    /// The elements; absent if the list is.
    #[must_use]
    pub fn into_option(mut self) -> Option<Vec<T>> {
        self.stored.truncate(self.length?);
        Some(self.stored)
    }

    /// The elements; empty if the list is absent.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.into_option().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(list: &mut List<&'static str>, elements: &[Option<&'static str>]) {
        for (index, element) in elements.iter().enumerate() {
            let slot = list.slot(index);
            *slot = element.unwrap_or(slot);
        }
        list.end(elements.len());
    }

    #[test]
    fn absent_is_not_empty() {
        let mut list = List::default();
        assert_eq!(list.clone().into_option(), None);
        read(&mut list, &[]);
        assert_eq!(list.clone().into_option(), Some(vec![]));
        list.clear();
        assert_eq!(list.clone().into_option(), None);
        assert_eq!(list.into_vec(), Vec::<&str>::new());
    }

    /// What Go 1.26 makes of `{"l":["a","b","c"],"l":["x"],"l":[null,null]}`.
    #[test]
    fn what_was_behind_the_end_comes_back() {
        let mut list = List::default();
        read(&mut list, &[Some("a"), Some("b"), Some("c")]);
        read(&mut list, &[Some("x")]);
        assert_eq!(list.clone().into_vec(), ["x"]);
        read(&mut list, &[None, None]);
        assert_eq!(list.clone().into_vec(), ["x", "b"]);
        list.clear();
        read(&mut list, &[None]);
        assert_eq!(list.clone().into_vec(), [""]);
        read(&mut list, &[Some("a"), Some("b")]);
        read(&mut list, &[]);
        read(&mut list, &[None, None]);
        assert_eq!(list.into_vec(), ["", ""]);
    }
}

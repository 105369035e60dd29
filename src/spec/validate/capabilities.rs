//! What the process may do beside what its user may.

use super::Found;
use super::node::Node;
use crate::spec::options::capabilities::KNOWN;

const LISTS: [&str; 5] = ["bounding", "effective", "inheritable", "permitted", "ambient"];

/// Every name is a capability's.
pub(super) fn names(spec: Node<'_>, found: &mut Found) {
    let lists = spec.get("process").get("capabilities");
    for name in LISTS.into_iter().flat_map(|list| lists.get(list).items()) {
        let bare = name.text().map(|text| text.strip_prefix("CAP_").unwrap_or_default());
        if bare.is_some_and(|bare| KNOWN.iter().all(|one| one.to_string() != bare)) {
            found.add(name, format_args!("{} is no capability", name.value));
        }
    }
}

/// What is effective is permitted.
pub(super) fn effective(spec: Node<'_>, found: &mut Found) {
    within(spec, "effective", "permitted", found);
}

/// What is inheritable is in the bounding set; what is ambient and not permitted, [`ambient`] has told.
pub(super) fn inheritable(spec: Node<'_>, found: &mut Found) {
    let lists = spec.get("process").get("capabilities");
    let has = |list: &'static str, name: &str| lists.get(list).texts().any(|other| other == name);
    let list = lists.get("inheritable");
    for name in list.texts().filter(|name| !has("bounding", name)) {
        if !has("ambient", name) || has("permitted", name) {
            found.add(list, format_args!("{name} is not among the bounding ones, add it too"));
        }
    }
}

/// What is ambient is permitted and inheritable.
pub(super) fn ambient(spec: Node<'_>, found: &mut Found) {
    within(spec, "ambient", "permitted", found);
    within(spec, "ambient", "inheritable", found);
}

/// Notes what is in one list and not in another.
fn within(spec: Node<'_>, inner: &'static str, outer: &'static str, found: &mut Found) {
    let lists = spec.get("process").get("capabilities");
    let (inner, outer_list) = (lists.get(inner), lists.get(outer));
    for name in inner.texts().filter(|name| !outer_list.texts().any(|other| other == *name)) {
        found.add(inner, format_args!("{name} is not among the {outer} ones, add it too"));
    }
}

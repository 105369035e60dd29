//! An explanation as one page of HTML: no script, nothing from the network, and well-formed XML.
//!
//! Values come from images, which are not trusted: every text goes through [`text`]. The page itself forbids scripts by its
//! Content-Security-Policy. Its filter is made of check boxes and style rules.

use crate::api::pb::specd as pb;
use crate::commands::explain::diff::{self, Side};
use crate::commands::explain::table::{origin, plain, value};
use pb::origin::Kind;
use std::collections::BTreeSet;
use std::fmt::Write as _;

const PAGE: &str = include_str!("page.html");

/// The kinds of origins: the class in the page, and the label of its check box.
const KINDS: [(&str, &str); 8] = [
    ("profile", "the profile"),
    ("image", "the image"),
    ("option", "an option"),
    ("account", "an account file"),
    ("rule", "a rule"),
    ("host", "the host"),
    ("patch", "the merge patch"),
    ("other", "something else"),
];

/// The page of one spec: a tree.
pub(super) fn tree(answer: &pb::ExplainResponse) -> String {
    let generated = answer.generated.clone().unwrap_or_default();
    let image = generated.image.unwrap_or_default();
    let mut header = format!("<h1>The runtime spec of <code>{}</code></h1>\n", text(&image.name));
    if !image.manifest_digest.is_empty() {
        let _ = writeln!(header, "<p>manifest <code>{}</code></p>", text(&image.manifest_digest));
    }
    for warning in &generated.warnings {
        let _ = writeln!(header, "<p>warning: {}</p>", text(warning));
    }
    let mut main = String::new();
    let mut kinds = BTreeSet::new();
    for node in nodes(&answer.fields) {
        write_node(&node, &mut main);
        kinds.extend(node.kinds);
    }
    page(&image.name, &header, &main, &kinds)
}

/// The page of two specs: a table of what differs.
pub(super) fn difference(a: &Side<'_>, b: &Side<'_>) -> String {
    let title = format!("{} and {}", a.name(), b.name());
    let header = format!(
        "<h1>Where two runtime specs differ</h1>\n<p>A: {}</p>\n<p>B: {}</p>\n",
        text(a.name()),
        text(b.name())
    );
    let mut rows = String::new();
    let mut kinds = BTreeSet::new();
    for (in_a, in_b) in diff::pairs(a, b) {
        let path = in_b.or(in_a).map(|field| text(&field.path)).unwrap_or_default();
        let of_row: BTreeSet<&str> =
            [in_a, in_b].into_iter().flatten().map(|field| kind(field.origin.as_ref())).collect();
        let _ = write!(
            rows,
            "<tr class=\"node{}\"><th scope=\"row\"><code>{path}</code></th>",
            classes(&of_row, true)
        );
        for field in [in_a, in_b] {
            let Some(field) = field else {
                rows.push_str("<td><code>(none)</code></td>");
                continue;
            };
            let class = kind(field.origin.as_ref());
            let _ = write!(
                rows,
                "<td class=\"k-{class}\"><code class=\"value\">{}</code><span class=\"origin\">{}</span></td>",
                text(&value(&field.value)),
                text(&origin(field.origin.as_ref()))
            );
        }
        rows.push_str("</tr>\n");
        kinds.extend(of_row);
    }
    let main = if rows.is_empty() {
        "<p>No field differs.</p>\n".to_owned()
    } else {
        let head = "<thead><tr><th scope=\"col\">field</th><th scope=\"col\">A</th><th scope=\"col\">B</th></tr></thead>";
        format!("<table>\n{head}\n<tbody>\n{rows}</tbody>\n</table>\n")
    };
    page(&title, &header, &main, &kinds)
}

fn page(title: &str, header: &str, main: &str, kinds: &BTreeSet<&str>) -> String {
    let (mut boxes, mut filters) = (String::new(), String::new());
    for (class, label) in KINDS.iter().filter(|(class, _)| kinds.contains(class)) {
        let _ = writeln!(
            boxes,
            "<label class=\"k-{class}\"><input type=\"checkbox\" id=\"show-{class}\" checked=\"checked\" /> \
             <span class=\"origin\">{label}</span></label>"
        );
        for (element, display) in [("details", "block"), ("div", "grid"), ("tr", "table-row")] {
            let _ = writeln!(
                filters,
                "  body:has(#show-{class}:checked) {element}.has-{class} {{ display: {display}; }}"
            );
        }
    }
    // The texts of others are put in last, so that no placeholder in them is replaced.
    let (before, rest) = PAGE.split_once("{header}").unwrap_or_default();
    let (between, after) = rest.split_once("{main}").unwrap_or_default();
    let before = before
        .replace("{filters}\n", &filters)
        .replace("{title}", &format!("specd: {}", text(title)));
    let between = between.replace("{boxes}", &boxes);
    [&before, header, &between, main, after].concat().trim_end().to_owned()
}

/// A part of a spec: an object, a list, or a leaf.
struct Node<'a> {
    name: String,
    leaf: Option<&'a pb::ExplainedField>,
    below: Vec<Node<'a>>,
    kinds: BTreeSet<&'static str>,
    is_changed: bool,
}

/// The leaves as trees, in their order.
fn nodes(fields: &[pb::ExplainedField]) -> Vec<Node<'_>> {
    let mut roots: Vec<Node<'_>> = Vec::new();
    for field in fields {
        let kind = kind(field.origin.as_ref());
        let is_changed = field.removed || !field.replaced.is_empty();
        let names: Vec<String> = field
            .path
            .split('/')
            .skip(1)
            .map(|name| name.replace("~1", "/").replace("~0", "~"))
            .collect();
        let mut level = &mut roots;
        for (index, name) in names.iter().enumerate() {
            let leaf = (index + 1 == names.len()).then_some(field);
            let is_open = level
                .last()
                .is_some_and(|last| leaf.is_none() && last.leaf.is_none() && last.name == *name);
            if !is_open {
                let (name, below, kinds) = (name.clone(), Vec::new(), BTreeSet::new());
                level.push(Node { name, leaf, below, kinds, is_changed: false });
            }
            let Some(node) = level.last_mut() else { break };
            node.kinds.insert(kind);
            node.is_changed |= is_changed;
            level = &mut node.below;
        }
    }
    roots
}

fn write_node(node: &Node<'_>, page: &mut String) {
    let class = format!("node{}", classes(&node.kinds, node.is_changed));
    let name = text(&node.name);
    let Some(leaf) = node.leaf else {
        let _ = writeln!(
            page,
            "<details class=\"{class}\" open=\"open\"><summary><code>{name}</code></summary>"
        );
        node.below.iter().for_each(|below| write_node(below, page));
        page.push_str("</details>\n");
        return;
    };
    let removed = if leaf.removed { " removed" } else { "" };
    let _ = write!(
        page,
        "<div class=\"{class} leaf{removed}\" title=\"{}\"><code class=\"name\">{name}</code>",
        text(&leaf.path)
    );
    write_setting(&leaf.value, leaf.origin.as_ref(), "", page);
    for was in leaf.replaced.iter().rev() {
        page.push_str("<span class=\"was\">was</span>");
        write_setting(&was.value, was.origin.as_ref(), " was", page);
    }
    page.push_str("</div>\n");
}

/// A value and its origin, each in a column.
fn write_setting(json: &str, from: Option<&pb::Origin>, class: &str, page: &mut String) {
    let _ = write!(
        page,
        "<span class=\"setting{class}\"><code class=\"value\">{}</code></span><span class=\"origin k-{}\">{}</span>",
        text(&value(json)),
        kind(from),
        text(&origin(from))
    );
}

fn classes(kinds: &BTreeSet<&str>, is_changed: bool) -> String {
    let mut classes: String = kinds.iter().map(|kind| format!(" has-{kind}")).collect();
    if is_changed {
        classes.push_str(" changed");
    }
    classes
}

/// The class of an origin.
fn kind(origin: Option<&pb::Origin>) -> &'static str {
    match origin.and_then(|origin| origin.kind.as_ref()) {
        Some(Kind::Profile(_)) => "profile",
        Some(Kind::ImageField(_)) => "image",
        Some(Kind::OptionField(_)) => "option",
        Some(Kind::Rule(_)) => "rule",
        Some(Kind::Account(_)) => "account",
        Some(Kind::HostFact(_)) => "host",
        Some(Kind::MergePatch(_)) => "patch",
        None => "other",
    }
}

/// A text for a page: it is never markup, and has no characters that cannot be seen.
fn text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // XML has no form for these two.
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup() {
        assert_eq!(
            text("<a b='\"'>&\u{1b}\u{202e}"),
            "&lt;a b=&#39;&quot;&#39;&gt;&amp;\\u001b\\u202e"
        );
        let name = "{boxes}{main}</title><script>".to_owned();
        let image = Some(pb::Image { name, ..Default::default() });
        let generated = Some(pb::GenerateResponse { image, ..Default::default() });
        let page = tree(&pb::ExplainResponse { generated, fields: Vec::new() });
        assert_eq!(page.matches("{boxes}{main}&lt;/title&gt;&lt;script&gt;").count(), 2, "{page}");
        assert!(!page.contains("<script"));
    }

    #[test]
    fn leaves_of_one_object_are_below_it() {
        let field = |path: &str| pb::ExplainedField { path: path.to_owned(), ..Default::default() };
        let fields = ["/a/b", "/a/c/0", "/a/c/1", "/a/c/1", "/d~1e", "/a/b"].map(field);
        let roots = nodes(&fields);
        let names =
            |nodes: &[Node<'_>]| nodes.iter().map(|node| node.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&roots), ["a", "d/e", "a"]);
        assert_eq!(names(&roots[0].below), ["b", "c"]);
        assert_eq!(names(&roots[0].below[1].below), ["0", "1", "1"]);
    }
}

//! `specd explain --output html`: the page says what the JSON says, and no value of an image becomes a part of it.

use crate::support::layout::{Gzip, Layout, file};
use crate::{browser, run};
use roxmltree::{Document, Node, ParsingOptions};
use serde_json::{Value, json};
use std::path::Path;

const IMAGE: &str = "registry.example/app:1";

/// Values that would be markup, or would end what they stand in.
const HOSTILE: [&str; 5] = [
    "A=</code></div><script>document.title='x'</script>",
    "B=\"><img src=x onerror=alert(1)>",
    "C=<!-- --><![CDATA[ ]]>&amp;&#0;",
    "D=</style><style>.node{display:none}{main}{boxes}",
    "E=\u{1b}[2J\u{202e}\u{ffff}'onload='x",
];

fn layout() -> Layout {
    let mut layout = Layout::temp();
    let layer = layout.layer(Gzip, &[file("etc/passwd", "root:x:0:0::/:\napp:x:1000:1000::/:\n")]);
    let mut env = vec!["PATH=/bin"];
    env.extend(HOSTILE);
    let config = json!({
        "os": "linux",
        "architecture": "amd64",
        "config": {"Cmd": ["</script><script>", "serve"], "Env": env, "User": "app", "WorkingDir": "/a<b>&\"'"},
    });
    let image = layout.image(config, &[layer]);
    layout.tag(IMAGE, &image.manifest);
    layout
}

/// The page and the JSON for the same flags.
fn both(layout: &Layout, flags: &[&str]) -> (String, Value) {
    let root = layout.root().to_str().unwrap();
    let args = ["explain", IMAGE, "--oci-layout", root, "--platform", "linux/amd64", "--output"];
    let said = |form| {
        let said = run(&[&args[..], &[form], flags].concat());
        assert_eq!(said.code, Some(0), "{}", said.err);
        said.out
    };
    (said("html"), serde_json::from_str(&said("json")).unwrap())
}

fn parse(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(page, options).unwrap_or_else(|error| panic!("{error}: {page}"))
}

fn has_class(node: &Node<'_, '_>, class: &str) -> bool {
    node.attribute("class").is_some_and(|classes| classes.split(' ').any(|one| one == class))
}

/// The texts of the elements with a class below a node, in their order.
fn texts(node: Node<'_, '_>, class: &str) -> Vec<String> {
    let texts = |node: Node<'_, '_>| {
        node.descendants().filter_map(|one| one.text().filter(|_| one.is_text())).collect()
    };
    node.descendants().filter(|node| has_class(node, class)).map(texts).collect()
}

/// A value as the page shows it: characters that nobody sees are written out.
fn shown(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    let text = text.replace('\u{202e}', "\\u202e").replace('\u{ffff}', "\u{fffd}");
    if text.is_empty() { "(none)".to_owned() } else { text }
}

/// Nothing of the page runs, or comes from elsewhere.
fn check_harmless(document: &Document<'_>) {
    const ELEMENTS: [&str; 29] = [
        "html", "head", "meta", "title", "style", "body", "header", "h1", "p", "code", "fieldset",
        "legend", "label", "input", "span", "main", "details", "summary", "div", "table", "thead",
        "tbody", "tr", "th", "td", "b", "ul", "li", "em",
    ];
    const ATTRIBUTES: [&str; 13] = [
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "type",
        "id",
        "class",
        "checked",
        "open",
        "title",
        "scope",
        "for",
    ];
    for node in document.descendants().filter(Node::is_element) {
        assert!(ELEMENTS.contains(&node.tag_name().name()), "{node:?}");
        for attribute in node.attributes() {
            assert!(ATTRIBUTES.contains(&attribute.name()), "{node:?}");
        }
    }
    let named = |name: &str| {
        document
            .descendants()
            .filter(|node| node.has_tag_name(("http://www.w3.org/1999/xhtml", name)))
            .count()
    };
    assert_eq!((named("style"), named("title")), (1, 1));
    let policy = document
        .descendants()
        .find(|node| node.attribute("http-equiv") == Some("Content-Security-Policy"));
    assert_eq!(
        policy.unwrap().attribute("content"),
        Some("default-src 'none'; style-src 'unsafe-inline'")
    );
}

#[test]
fn the_tree_has_each_field_with_its_history_and_no_value_is_markup() {
    let (page, answer) =
        both(&layout(), &["--env", "F=</main>", "--env", "PATH", "--read-only=false"]);
    let document = parse(&page);
    check_harmless(&document);
    let leaves: Vec<Node<'_, '_>> =
        document.descendants().filter(|node| has_class(node, "leaf")).collect();
    let fields = answer["fields"].as_array().unwrap();
    assert_eq!(leaves.len(), fields.len());
    let mut replaced = 0;
    for (leaf, field) in leaves.iter().zip(fields) {
        assert_eq!(leaf.attribute("title"), field["path"].as_str());
        let name = field["path"].as_str().unwrap().rsplit('/').next().unwrap();
        assert_eq!(texts(*leaf, "name"), [name.replace("~1", "/").replace("~0", "~")]);
        let mut settings = vec![field.clone()];
        settings.extend(field["replaced"].as_array().into_iter().flatten().rev().cloned());
        replaced += settings.len() - 1;
        assert_eq!(
            texts(*leaf, "value"),
            settings.iter().map(|one| shown(&one["value"])).collect::<Vec<_>>()
        );
        let origins: Vec<String> =
            settings.iter().map(|one| one["origin"]["text"].as_str().unwrap().to_owned()).collect();
        assert_eq!(texts(*leaf, "origin"), origins);
        assert_eq!(has_class(leaf, "removed"), field["removed"] == true, "{field}");
        // What is around a leaf is named like the parts of its path.
        let around = leaf
            .ancestors()
            .filter(|node| node.has_tag_name(("http://www.w3.org/1999/xhtml", "details")));
        assert_eq!(around.count(), field["path"].as_str().unwrap().split('/').count() - 2);
    }
    assert!(replaced > 3, "{answer}");
    for text in HOSTILE {
        let seen = serde_json::to_string(text)
            .unwrap()
            .replace('\u{202e}', "\\u202e")
            .replace('\u{ffff}', "\u{fffd}");
        assert!(leaves.iter().any(|leaf| texts(*leaf, "value").contains(&seen)), "{seen}");
    }
}

#[test]
fn the_difference_has_both_values_side_by_side() {
    let layout = layout();
    let (page, answer) = both(&layout, &["--diff", "containerd-1.6", "hardened"]);
    let document = parse(&page);
    check_harmless(&document);
    let rows: Vec<Node<'_, '_>> =
        document.descendants().filter(|node| has_class(node, "node")).collect();
    let differences = answer["differences"].as_array().unwrap();
    assert_eq!(rows.len(), differences.len());
    for (row, difference) in rows.iter().zip(differences) {
        let sides = [&difference["a"], &difference["b"]].into_iter().filter(|side| !side.is_null());
        assert_eq!(
            texts(*row, "value"),
            sides.map(|side| shown(&side["value"])).collect::<Vec<_>>()
        );
        assert_eq!(row.children().filter(Node::is_element).count(), 3);
    }
    let (page, _) = both(&layout, &["--diff", "containerd", "containerd-2.4"]);
    assert!(page.contains("<p>No field differs.</p>"), "{page}");
    check_harmless(&parse(&page));
}

/// What a page shows in Chromium: the text of an attribute that a script sets, which the page itself forbids.
fn look(browser: &str, directory: &Path, page: &str, script: &str) -> Option<String> {
    let path = directory.join("page.html");
    let script = format!(
        "<script>document.body.setAttribute('data-seen', String({script}));</script></body>"
    );
    std::fs::write(&path, page.replace("</body>", &script)).unwrap();
    let elements = browser::open(browser, directory, &format!("file://{}", path.display()));
    assert!(elements.contains("<main"), "{elements}");
    browser::seen(&elements).map(str::to_owned)
}

#[test]
fn a_browser_filters_by_origin_and_runs_nothing() {
    let Some(browser) = browser::find() else { return };
    let (page, answer) = both(&layout(), &["--env", "F=1"]);
    let directory = tempfile::tempdir().unwrap();
    let look = |page: &str, script: &str| look(browser, directory.path(), page, script);
    assert_eq!(look(&page, "1"), None, "a script ran");

    let start = page.find("<meta http-equiv").unwrap();
    let end = start + page[start..].find("/>").unwrap() + 2;
    let open = format!("{}{}", &page[..start], &page[end..]);
    let seen =
        "[...document.querySelectorAll('.leaf')].filter(leaf => leaf.checkVisibility()).length";
    let groups = "[...document.querySelectorAll('details')].filter(one => one.checkVisibility() && \
                  ![...one.querySelectorAll('.leaf')].some(leaf => leaf.checkVisibility())).length";
    let fields = answer["fields"].as_array().unwrap();
    assert_eq!(look(&open, seen), Some(fields.len().to_string()));
    let without = |kinds: &[&str]| {
        kinds.iter().fold(open.clone(), |page, kind| {
            let checked = format!("id=\"show-{kind}\" checked=\"checked\"");
            assert!(page.contains(&checked), "{kind}");
            page.replace(&checked, &format!("id=\"show-{kind}\""))
        })
    };
    let count = |wanted: &dyn Fn(&Value) -> bool| {
        Some(fields.iter().filter(|one| wanted(one)).count().to_string())
    };
    let page = without(&["profile"]);
    assert_eq!(look(&page, seen), count(&|one| one["origin"].get("profile").is_none()));
    assert_eq!(look(&page, groups).as_deref(), Some("0"));
    let page = without(&["profile", "rule", "account", "image"]);
    assert_eq!(look(&page, seen), count(&|one| one["origin"].get("optionField").is_some()));
    let page = open.replace("id=\"only-changed\"", "id=\"only-changed\" checked=\"checked\"");
    let is_changed = |one: &Value| one.get("replaced").is_some() || one["removed"] == true;
    assert_eq!(look(&page, seen), count(&is_changed));
    let keys = "[...document.querySelectorAll('summary, input')].every(one => one.tabIndex === 0)";
    assert_eq!(look(&open, keys).as_deref(), Some("true"));
}

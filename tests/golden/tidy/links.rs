//! The links of the Markdown files: each leads to a file of the repository and to a heading of it, and the book has every page.

use super::prose_files;
use super::scan::Finding;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

/// A Markdown file: its links with their lines and texts, and the anchors of its headings.
struct Page {
    links: Vec<Link>,
    anchors: BTreeSet<String>,
}

struct Link {
    line: usize,
    to: String,
    text: String,
}

impl Page {
    fn read(text: &str) -> Self {
        let mut page = Self { links: Vec::new(), anchors: BTreeSet::new() };
        let mut heading: Option<String> = None;
        let mut link: Option<Link> = None;
        for (event, place) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            if let Event::Start(Tag::Heading { .. }) = event {
                heading = Some(String::new());
            } else if let Event::End(TagEnd::Heading(_)) = event {
                page.anchors.insert(anchor(&heading.take().unwrap_or_default()));
            } else if let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) =
                event
            {
                let line = text[..place.start].matches('\n').count() + 1;
                link = Some(Link { line, to: dest_url.into_string(), text: String::new() });
            } else if let Event::End(TagEnd::Link | TagEnd::Image) = event {
                page.links.extend(link.take());
            } else if let Event::Text(part) | Event::Code(part) = event {
                let texts = [heading.as_mut(), link.as_mut().map(|link| &mut link.text)];
                texts.into_iter().flatten().for_each(|text| text.push_str(&part));
            }
        }
        page
    }
}

/// The anchor of a heading, by the rules that GitHub and mdBook share.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// A path without `.` and `..`.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(clean.pop()),
            Component::CurDir => {}
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => clean.push(part),
        }
    }
    clean
}

/// Every Markdown file of the repository, without what is built or installed in it.
fn markdown(root: &Path) -> io::Result<BTreeMap<PathBuf, String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with('.') && name != "target" {
            prose_files(root, &path, &["md"], &mut files)?;
        }
    }
    let built = |path: &str| ["node_modules/", "venv/", "build/"].iter().any(|d| path.contains(d));
    files.retain(|(path, _)| !built(path));
    Ok(files.into_iter().map(|(path, text)| (path.into(), text)).collect())
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = markdown(root)?;
    let pages: BTreeMap<_, _> = files.iter().map(|(path, text)| (path, Page::read(text))).collect();
    let mut findings = Vec::new();
    let mut count = 0;
    for (path, page) in &pages {
        for Link { line, to, .. } in &page.links {
            if to.contains("://") {
                continue;
            }
            count += 1;
            let (file, heading) = to.split_once('#').unwrap_or((to, ""));
            let target = match file {
                "" => (*path).clone(),
                _ => clean(&path.parent().unwrap_or(Path::new("")).join(file)),
            };
            let has_heading = || {
                heading.is_empty()
                    || pages.get(&target).is_some_and(|to| to.anchors.contains(heading))
            };
            if !root.join(&target).exists() || !has_heading() {
                let path = path.to_string_lossy().into_owned();
                findings.push(Finding { path, line: *line, what: format!("{to} leads nowhere") });
            }
        }
    }
    assert!(count > 100, "{count} links: this test looks in the wrong place");
    super::none(&findings);
    Ok(())
}

#[test]
fn the_book_has_every_page_once() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = markdown(root)?;
    let summary = Path::new("docs/SUMMARY.md");
    let chapters = Page::read(&files[summary]).links;
    let mut chapters: Vec<_> =
        chapters.iter().map(|link| clean(&Path::new("docs").join(&link.to))).collect();
    chapters.sort();
    let pages: Vec<_> = files.keys().filter(|path| *path != summary).cloned().collect();
    assert_eq!(chapters, pages);
    Ok(())
}

/// A link to a test has its name as the text.
#[test]
fn every_test_that_the_mistakes_name_exists() -> Result<(), Box<dyn Error>> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let page = Page::read(&fs::read_to_string(docs.join("mistakes.md"))?);
    let tests: Vec<_> = page.links.iter().filter(|link| link.to.ends_with(".rs")).collect();
    assert!(tests.len() > 5, "{} tests", tests.len());
    for Link { line, to, text } in tests {
        let source = fs::read_to_string(docs.join(to))?;
        assert!(source.contains(&format!("fn {text}()")), "line {line}: {to} has no test {text}");
    }
    Ok(())
}

/// mdBook leaves a part out without a word if it has no such name.
#[test]
fn every_part_that_a_page_includes_exists() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for (path, text) in markdown(root)? {
        for part in text.split("{{#include ").skip(1) {
            let (file, name) =
                part.split("}}").next().unwrap_or_default().split_once(':').ok_or("no anchor")?;
            let source = fs::read_to_string(root.join(path.with_file_name(file)))?;
            for mark in ["ANCHOR: ", "ANCHOR_END: "] {
                let lines = source.lines().filter(|line| {
                    line.split_once(mark)
                        .is_some_and(|(_, rest)| rest.split(' ').next() == Some(name))
                });
                assert_eq!(lines.count(), 1, "{}: {mark}{name} of {file}", path.display());
            }
            count += 1;
        }
    }
    assert!(count > 20, "{count} parts");
    Ok(())
}

#[test]
fn an_anchor_is_that_of_github() {
    for (heading, want) in [
        ("The profiles `docker-28` and `docker-29`", "the-profiles-docker-28-and-docker-29"),
        ("From pkg/oci to specd", "from-pkgoci-to-specd"),
        ("What callers' requests have, in JSON", "what-callers-requests-have-in-json"),
    ] {
        let text = format!("# {heading}\n");
        assert_eq!(Page::read(&text).anchors, BTreeSet::from([want.to_owned()]));
    }
}

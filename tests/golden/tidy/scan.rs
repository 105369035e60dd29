//! The scanner: what of Rust one must understand to see who imports whom.
//!
//! It knows attributes, `use` trees and braces, and nothing of types or macros.

use super::lex::{Token, blank_comments_and_strings, tokenize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One broken rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// A path with `::` in it, of a `use` or an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathUse {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
    pub(crate) alias: Option<String>,
    /// How many inline modules it stands in, for `super`.
    pub(crate) nested: usize,
}

/// A file of the crate, scanned.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tokens: Vec<Token>,
    /// For each token, whether it belongs to an item under `#[cfg(test)]`.
    pub(crate) test: Vec<bool>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let tokens = tokenize(&blank_comments_and_strings(text));
        let test = mark_tests(&tokens);
        Self { path: path.replace('\\', "/"), text: text.into(), tokens, test }
    }

    pub(crate) fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, what: what.into() }
    }

    /// `spec` for both `src/spec.rs` and `src/spec/options/args.rs`.
    pub(crate) fn top_module(&self) -> &str {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path);
        path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
    }

    /// The module path of the file, under the crate.
    pub(crate) fn module_path(&self) -> Vec<String> {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path).trim_end_matches(".rs");
        path.split('/').filter(|part| *part != "mod").map(ToString::to_string).collect()
    }

    pub(crate) fn all(&self) -> &[Token] {
        &self.tokens
    }

    /// The tokens outside tests.
    pub(crate) fn code(&self) -> Vec<Token> {
        self.tokens
            .iter()
            .zip(&self.test)
            .filter(|(_, test)| !**test)
            .map(|(token, _)| token.clone())
            .collect()
    }

    pub(crate) fn lines_beside_tests(&self) -> usize {
        let mut tested = BTreeSet::new();
        let mut start = None;
        for (token, test) in self.tokens.iter().zip(&self.test) {
            match (test, start) {
                (true, None) => start = Some((token.line, token.line)),
                (true, Some((from, _))) => start = Some((from, token.line)),
                (false, Some((from, to))) => {
                    tested.extend(from..=to);
                    start = None;
                }
                (false, None) => {}
            }
        }
        if let Some((from, to)) = start {
            tested.extend(from..=to);
        }
        self.text.lines().count().saturating_sub(tested.len())
    }

    /// Files that hold tests alone: those that a `mod` under `#[cfg(test)]` names.
    pub(crate) fn test_modules(&self) -> Vec<String> {
        let stem = self.path.trim_end_matches(".rs").trim_end_matches("/mod").to_string();
        let beside = self.path.rsplit_once('/').map_or("", |(directory, _)| directory);
        let mut found = Vec::new();
        for (index, three) in self.tokens.windows(3).enumerate() {
            if three[0].text == "mod" && three[2].text == ";" && self.test[index] {
                let name = &three[1].text;
                found.push(format!("{stem}/{name}.rs"));
                found.push(format!("{stem}/{name}/mod.rs"));
                if ["src/lib.rs", "src/main.rs"].contains(&self.path.as_str()) {
                    found.push(format!("{beside}/{name}.rs"));
                }
            }
        }
        found
    }

    /// Every imported path outside tests, `super` and a leading `self` resolved to `crate`.
    pub(crate) fn uses(&self) -> Vec<PathUse> {
        let tokens = self.code();
        let nested = inline_modules(&tokens);
        let mut found: Vec<PathUse> = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            if is_import(&tokens, at) {
                let (first, depth) = (found.len(), nested[at]);
                at = use_tree(&tokens, at + 1, &[], &mut found);
                found[first..].iter_mut().for_each(|path| path.nested = depth);
            } else {
                at += 1;
            }
        }
        found.into_iter().map(|path| self.resolve(path)).collect()
    }

    /// Every path outside tests: those of `use`, and those that code spells out.
    pub(crate) fn paths(&self) -> Vec<PathUse> {
        let tokens = self.code();
        let nested = inline_modules(&tokens);
        let mut found = self.uses();
        // A name that `use` bound stands for the whole path.
        let bound: BTreeMap<String, Vec<String>> = found
            .iter()
            .filter_map(|path| Some((path.alias.as_ref().or(path.segments.last())?, path)))
            .map(|(name, path)| (name.clone(), path.segments.clone()))
            .collect();
        let mut at = 0;
        while at < tokens.len() {
            if is_import(&tokens, at) {
                at = use_tree(&tokens, at + 1, &[], &mut Vec::new());
                continue;
            }
            let continues = at > 0 && ["::", "."].contains(&tokens[at - 1].text.as_str());
            if !is_name(&tokens[at].text) || continues {
                at += 1;
                continue;
            }
            let (line, depth) = (tokens[at].line, nested[at]);
            let mut segments = vec![tokens[at].text.clone()];
            while tokens.get(at + 1).is_some_and(|token| token.text == "::")
                && tokens.get(at + 2).is_some_and(|token| is_name(&token.text))
            {
                segments.push(tokens[at + 2].text.clone());
                at += 2;
            }
            at += 1;
            if segments.len() > 1 {
                if let Some(whole) = bound.get(&segments[0]) {
                    segments.splice(..1, whole.iter().cloned());
                }
                found.push(self.resolve(PathUse { line, segments, alias: None, nested: depth }));
            }
        }
        found
    }

    pub(crate) fn resolve(&self, mut path: PathUse) -> PathUse {
        if self.path == "src/main.rs" && path.segments.first().is_some_and(|part| part == "specd") {
            path.segments[0] = "crate".into();
        }
        let supers = path.segments.iter().take_while(|part| *part == "super").count();
        let own = self.module_path();
        let climbed = supers.saturating_sub(path.nested);
        if climbed > 0 && climbed <= own.len() {
            let mut segments = vec!["crate".to_string()];
            segments.extend_from_slice(&own[..own.len() - climbed]);
            segments.extend_from_slice(&path.segments[supers..]);
            path.segments = segments;
        }
        path
    }

    /// Functions at the top level of the file that modules outside its folder see: `pub(super)` is for its
    /// neighbours.
    pub(crate) fn exported_functions(&self) -> Vec<(usize, String)> {
        let tokens = self.code();
        let mut depth = 0usize;
        let mut exported = false;
        let mut neighbours = false;
        let mut found = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            match token.text.as_str() {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth = depth.saturating_sub(1),
                "pub" if depth == 0 => (exported, neighbours) = (true, false),
                "fn" if depth == 0 && exported => {
                    if let Some(name) = tokens.get(index + 1).filter(|_| !neighbours) {
                        found.push((name.line, name.text.clone()));
                    }
                    exported = false;
                }
                "super" => neighbours = true,
                "const" | "async" | "unsafe" | "extern" | "crate" | "in" | "self" => {}
                _ if depth == 0 => exported = false,
                _ => {}
            }
            // The visibility's own parentheses: `pub(crate) fn`.
            if token.text == ")" && depth == 0 && visibility_ends(&tokens, index) {
                exported = true;
            }
        }
        found
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Whether the `)` at `index` closes the parenthesis of a `pub(...)`.
fn visibility_ends(tokens: &[Token], index: usize) -> bool {
    let open = tokens[..index].iter().rposition(|token| token.text == "(");
    open.is_some_and(|open| open > 0 && tokens[open - 1].text == "pub")
}

/// The index behind the attribute that starts at `at`, if one does.
pub(crate) fn attribute_end(tokens: &[Token], at: usize) -> Option<usize> {
    let mut next = at;
    if tokens.get(next)?.text != "#" {
        return None;
    }
    next += 1;
    if tokens.get(next)?.text == "!" {
        next += 1;
    }
    if tokens.get(next)?.text != "[" {
        return None;
    }
    balanced_end(tokens, next)
}

/// The index behind the bracket that closes the one at `open`.
fn balanced_end(tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(index + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// For each token, in how many inline modules it stands.
fn inline_modules(tokens: &[Token]) -> Vec<usize> {
    let mut depths = vec![0; tokens.len()];
    for (index, three) in tokens.windows(3).enumerate() {
        if three[0].text == "mod" && three[2].text == "{" {
            let end = balanced_end(tokens, index + 2).unwrap_or(tokens.len());
            depths[index + 2..end].iter_mut().for_each(|depth| *depth += 1);
        }
    }
    depths
}

/// Marks the tokens of every item under `#[cfg(test)]`, its attributes included.
fn mark_tests(tokens: &[Token]) -> Vec<bool> {
    let mut marks = vec![false; tokens.len()];
    let mut at = 0;
    while at < tokens.len() {
        let Some(end) = attribute_end(tokens, at) else {
            at += 1;
            continue;
        };
        let words: Vec<&str> = tokens[at..end].iter().map(|token| token.text.as_str()).collect();
        let is_test = words.get(2) == Some(&"cfg") && words.contains(&"test");
        let negated = words.contains(&"not") || words.contains(&"any");
        if !is_test || negated {
            at = end;
            continue;
        }
        if words[1] == "!" {
            marks.fill(true);
            return marks;
        }
        let mut item = end;
        while let Some(next) = attribute_end(tokens, item) {
            item = next;
        }
        let stop = item_end(tokens, item);
        marks[at..stop].fill(true);
        at = stop;
    }
    marks
}

/// The index behind the item that starts at `at`: its semicolon, or its closing brace.
fn item_end(tokens: &[Token], at: usize) -> usize {
    let is_use = tokens[at..].iter().take(6).any(|token| token.text == "use");
    let mut index = at;
    while let Some(token) = tokens.get(index) {
        match token.text.as_str() {
            ";" => return index + 1,
            "{" if !is_use => return balanced_end(tokens, index).unwrap_or(tokens.len()),
            "{" | "(" | "[" => index = balanced_end(tokens, index).unwrap_or(tokens.len()),
            _ => index += 1,
        }
    }
    tokens.len()
}

/// Whether an import starts at `at`; `use<'a>` in a type says what it captures, and imports nothing.
fn is_import(tokens: &[Token], at: usize) -> bool {
    tokens[at].text == "use" && tokens.get(at + 1).is_none_or(|next| next.text != "<")
}

/// Collects the leaves of the `use` tree at `at`, and returns the index behind it.
fn use_tree(tokens: &[Token], at: usize, prefix: &[String], found: &mut Vec<PathUse>) -> usize {
    let mut segments = prefix.to_vec();
    let mut index = at;
    let mut line = tokens.get(at).map_or(0, |token| token.line);
    let mut alias = None;
    while let Some(token) = tokens.get(index) {
        match token.text.as_str() {
            "::" => index += 1,
            "{" => {
                index += 1;
                while tokens.get(index).is_some_and(|token| token.text != "}") {
                    index = use_tree(tokens, index, &segments, found);
                    if tokens.get(index).is_some_and(|token| token.text == ",") {
                        index += 1;
                    }
                }
                return index + 1;
            }
            "as" => {
                alias = tokens.get(index + 1).map(|token| token.text.clone());
                index += 2;
            }
            "," | "}" | ";" => break,
            text => {
                line = token.line;
                // `{self, ...}` names the module before the brace.
                if text != "self" {
                    segments.push(text.into());
                }
                index += 1;
            }
        }
    }
    found.push(PathUse { line, segments, alias, nested: 0 });
    index
}
